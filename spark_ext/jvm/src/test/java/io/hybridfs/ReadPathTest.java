package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Random;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReadPathTest {
    @Test
    void theSecondReadComesFromTheCache(@TempDir Path root) throws Exception {
        byte[] data = new byte[5_000_001];
        new Random(1).nextBytes(data);
        try (FileSystem plain = MiniHdfs.client(MiniHdfs.plain());
             FileSystem fs = MiniHdfs.client(MiniHdfs.cached(root))) {
            MiniHdfs.write(plain, "/read/second", data);
            long origin = Stats.get(Stats.Counter.ORIGIN_BYTES);
            assertArrayEquals(data, MiniHdfs.read(fs, "/read/second"));
            Workers.quiesce();
            assertEquals(data.length, Stats.get(Stats.Counter.ORIGIN_BYTES) - origin);
            assertEquals((data.length + MiniHdfs.BLOCK - 1) / MiniHdfs.BLOCK, Trees.blocks(root).size());
            long hits = Stats.get(Stats.Counter.HIT_BYTES);
            assertArrayEquals(data, MiniHdfs.read(fs, "/read/second"));
            assertEquals(data.length, Stats.get(Stats.Counter.HIT_BYTES) - hits);
            assertEquals(data.length, Stats.get(Stats.Counter.ORIGIN_BYTES) - origin);
            System.out.println(Stats.snapshot());
        }
    }
}

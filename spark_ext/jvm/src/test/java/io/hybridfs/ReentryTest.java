package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A key provider that opens a file of this file system, whichever thread of ours asks it for a key. */
class ReentryTest {
    /** More than any pool has threads. */
    private static final int READERS = 40;
    private static final byte[] KEYS = GoldenMaker.bytes(31, 1000);

    @TempDir
    java.nio.file.Path root;
    private final ExecutorService readers = Executors.newFixedThreadPool(READERS);
    private FileSystem plain;
    private Path path;
    private Path keys;

    @BeforeEach
    void setUp() throws Exception {
        plain = MiniHdfs.client(MiniHdfs.plain());
        path = new Path(MiniHdfs.ENCRYPTED + "/reentry-" + System.nanoTime());
        keys = new Path("/keystore-" + System.nanoTime());
        MiniHdfs.write(plain, keys.toString(), KEYS);
    }

    @AfterEach
    void tearDown() throws Exception {
        AskedKeys.asked = () -> { };
        readers.shutdownNow();
        plain.close();
    }

    /** Late enough for all threads of a pool to have come to it. */
    private void readKeysBy(FileSystem fs) {
        AskedKeys.asked = () -> {
            try {
                Thread.sleep(300);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            assertArrayEquals(KEYS, MiniHdfs.read(fs, keys.toString()));
        };
    }

    private interface Reading {
        void by(int reader) throws Exception;
    }

    private void assertAllDone(Reading reading) throws Exception {
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < READERS; i++) {
            int reader = i;
            all.add(readers.submit((Callable<Void>) () -> {
                reading.by(reader);
                return null;
            }));
        }
        for (Future<?> one : all) {
            one.get(60, TimeUnit.SECONDS);
        }
    }

    @Test
    void noOpenWaitsForItself() throws Exception {
        byte[] data = GoldenMaker.bytes(32, 1000);
        MiniHdfs.write(plain, path.toString(), data);
        Configuration conf = MiniHdfs.cached(root, Options.FRESHNESS, "0");
        try (FileSystem fs = MiniHdfs.client(conf)) {
            readKeysBy(fs);
            assertAllDone(reader -> assertArrayEquals(data, MiniHdfs.read(fs, path.toString())));
        }
    }

    /** Each reader lacks a block, and has been granted the file before. */
    @Test
    void noFetchWaitsForItself() throws Exception {
        byte[] data = GoldenMaker.bytes(33, 2 * READERS * MiniHdfs.BLOCK);
        MiniHdfs.write(plain, path.toString(), data);
        Configuration conf = MiniHdfs.cached(root, Options.FRESHNESS, "1h", Options.CACHE_ENCRYPTED, "true");
        try (FileSystem fs = MiniHdfs.client(conf)) {
            assertArrayEquals(data, MiniHdfs.read(fs, path.toString()));
            Workers.quiesce();
            Trees.blocks(root).stream().filter(block -> block.toString().matches(".*[13579]"))
                .forEach(block -> block.toFile().delete());
            assertEquals(READERS, Trees.blocks(root).size());
            readKeysBy(fs);
            assertAllDone(reader -> {
                int position = (2 * reader + 1) * MiniHdfs.BLOCK;
                byte[] seen = new byte[100];
                try (FSDataInputStream in = fs.open(path)) {
                    in.readFully(position, seen);
                }
                assertArrayEquals(Arrays.copyOfRange(data, position, position + 100), seen);
            });
            Workers.quiesce();
        }
    }
}

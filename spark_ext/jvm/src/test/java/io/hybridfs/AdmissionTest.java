package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.EnumSet;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.client.HdfsDataOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is served but never kept, and caches that cannot be used. */
class AdmissionTest {
    @TempDir
    java.nio.file.Path root;
    private final byte[] data = new byte[200_000];
    private FileSystem plain;
    private FileSystem fs;

    @BeforeEach
    void setUp() throws Exception {
        new Random(9).nextBytes(data);
        plain = MiniHdfs.client(MiniHdfs.plain());
        fs = MiniHdfs.client(MiniHdfs.cached(root));
    }

    @AfterEach
    void tearDown() throws Exception {
        Workers.quiesce();
        fs.close();
        plain.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/adm/_temporary/0/part", "/adm/.staging/part", "/adm/_SUCCESS"})
    void temporaryNames(String path) throws Exception {
        MiniHdfs.write(plain, path, data);
        assertArrayEquals(data, MiniHdfs.read(fs, path));
        Workers.quiesce();
        assertEquals(0, Trees.blocks(root).size());
    }

    @Test
    void emptyFiles() throws Exception {
        MiniHdfs.write(plain, "/adm/empty", new byte[0]);
        assertEquals(0, MiniHdfs.read(fs, "/adm/empty").length);
        Workers.quiesce();
        assertEquals(0, Trees.blocks(root).size());
    }

    /** Also one whose status happens to tell the length that readers see. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void filesThatAreBeingWritten(boolean updateLength) throws Exception {
        Path path = new Path("/adm/open-" + updateLength);
        try (FSDataOutputStream out = plain.create(path, true)) {
            out.write(data);
            if (updateLength) {
                ((HdfsDataOutputStream) out).hsync(EnumSet.of(HdfsDataOutputStream.SyncFlag.UPDATE_LENGTH));
                assertEquals(data.length, plain.getFileStatus(path).getLen());
            } else {
                out.hflush();
            }
            assertArrayEquals(data, MiniHdfs.read(fs, path.toString()));
            Workers.quiesce();
            assertEquals(0, Trees.blocks(root).size());
            assertArrayEquals(data, MiniHdfs.toEnd(
                fs.openFile(path).withFileStatus(plain.getFileStatus(path)).build().get()));
            out.write(7);
            out.hflush();
            assertEquals(data.length + 1, MiniHdfs.read(fs, path.toString()).length);
        }
        Workers.quiesce();
        assertEquals(0, Trees.blocks(root).size());
        assertEquals(data.length + 1, MiniHdfs.read(fs, path.toString()).length);
        Workers.quiesce();
        assertTrue(Trees.blocks(root).size() > 0);
    }

    /** Executors often bring a status that no longer tells that the file is encrypted. */
    @Test
    void encryptedFiles() throws Exception {
        Path path = new Path(MiniHdfs.ENCRYPTED, "secret");
        MiniHdfs.write(plain, path.toString(), data);
        FileStatus status = plain.getFileStatus(path);
        assertTrue(status.isEncrypted());
        FileStatus rebuilt = new FileStatus(status.getLen(), false, 1, 1, status.getModificationTime(), path);
        for (int round = 0; round < 2; round++) {
            assertArrayEquals(data, MiniHdfs.read(fs, path.toString()));
            for (FileStatus brought : new FileStatus[] {status, rebuilt}) {
                assertArrayEquals(data,
                    MiniHdfs.toEnd(fs.openFile(path).withFileStatus(brought).build().get()));
            }
            Workers.quiesce();
            assertEquals(0, Trees.blocks(root).size());
        }
    }

    private void servesFromTheOrigin(Configuration conf, String path) throws Exception {
        MiniHdfs.write(plain, path, data);
        try (FileSystem broken = MiniHdfs.client(conf)) {
            assertArrayEquals(data, MiniHdfs.read(broken, path));
            assertArrayEquals(data, MiniHdfs.read(broken, path));
        }
    }

    @Test
    void aCacheDirectoryThatIsAFile() throws Exception {
        java.nio.file.Path file = Files.createFile(root.resolve("file"));
        long faults = Stats.get(Stats.Counter.TIER_FAULTS);
        servesFromTheOrigin(MiniHdfs.cached(file), "/adm/file");
        assertTrue(Stats.get(Stats.Counter.TIER_FAULTS) > faults);
    }

    @Test
    void aCacheDirectoryThatCannotBeMade() throws Exception {
        long faults = Stats.get(Stats.Counter.TIER_FAULTS);
        servesFromTheOrigin(MiniHdfs.cached(Paths.get("/proc/hybridfs")), "/adm/proc");
        assertTrue(Stats.get(Stats.Counter.TIER_FAULTS) > faults);
    }

    @Test
    void aCacheDirectoryThatEverybodyMayWrite() throws Exception {
        java.nio.file.Path open = Files.createDirectory(root.resolve("open"));
        Files.setAttribute(open, "unix:mode", 0777);
        long faults = Stats.get(Stats.Counter.TIER_FAULTS);
        servesFromTheOrigin(MiniHdfs.cached(open), "/adm/open");
        assertTrue(Stats.get(Stats.Counter.TIER_FAULTS) > faults);
        assertEquals(0, open.toFile().list().length);
    }

    @Test
    void aCacheDirectoryThatVanishes() throws Exception {
        java.nio.file.Path gone = root.resolve("gone");
        try (FileSystem client = MiniHdfs.client(MiniHdfs.cached(gone))) {
            MiniHdfs.write(plain, "/adm/gone", data);
            assertArrayEquals(data, MiniHdfs.read(client, "/adm/gone"));
            Workers.quiesce();
            try (FSDataInputStream in = client.open(new Path("/adm/gone"))) {
                in.read();
                Trees.delete(gone);
                in.seek(0);
                assertArrayEquals(data, MiniHdfs.toEnd(in));
            }
            Workers.quiesce();
            MiniHdfs.write(plain, "/adm/gone2", data);
            assertArrayEquals(data, MiniHdfs.read(client, "/adm/gone2"));
            Workers.quiesce();
            long origin = Stats.get(Stats.Counter.ORIGIN_BYTES);
            assertArrayEquals(data, MiniHdfs.read(client, "/adm/gone2"));
            assertEquals(origin, Stats.get(Stats.Counter.ORIGIN_BYTES), "the directory is made again");
        }
    }

    @Test
    void aTierThatIsSmallerThanItsFile() throws Exception {
        java.nio.file.Path small = root.resolve("small");
        Configuration conf = MiniHdfs.cached(small, Options.DISK, "1MiB");
        byte[] large = new byte[8_000_000];
        new Random(1).nextBytes(large);
        MiniHdfs.write(plain, "/adm/large", large);
        try (FileSystem client = MiniHdfs.client(conf)) {
            for (int round = 0; round < 3; round++) {
                assertArrayEquals(large, MiniHdfs.read(client, "/adm/large"));
            }
            Workers.quiesce();
        }
        long held = 0;
        for (java.nio.file.Path block : Trees.blocks(small)) {
            held += Files.size(block);
        }
        assertTrue(held < 3 << 20, "holds " + held);
    }

    @Test
    void anUnknownOptionIsAnError() {
        Configuration conf = MiniHdfs.cached(root);
        conf.set("fs.hybridfs.freshnes", "1s");
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
            () -> MiniHdfs.client(conf));
        assertTrue(e.getMessage().contains("fs.hybridfs.freshness"), e.getMessage());
    }
}

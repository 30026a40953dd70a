package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.security.PrivilegedExceptionAction;
import java.util.EnumMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.security.AccessControlException;
import org.apache.hadoop.security.UserGroupInformation;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Why blocks were missed and files passed through: each once, whatever the reason. */
class ReasonsTest {
    private static final int BLOCKS = 5;
    private static final byte[] DATA = GoldenMaker.bytes(0, BLOCKS * MiniHdfs.BLOCK - 1000);

    @TempDir
    java.nio.file.Path root;
    private FileSystem plain;

    private interface Action {
        void run() throws Exception;
    }

    @BeforeEach
    void setUp() throws Exception {
        plain = MiniHdfs.client(MiniHdfs.plain());
    }

    @AfterEach
    void tearDown() throws Exception {
        plain.close();
    }

    private static Map<Miss, Long> reasons() {
        Map<Miss, Long> counts = new EnumMap<>(Miss.class);
        for (Miss why : Miss.values()) {
            counts.put(why, Stats.get(why));
        }
        return counts;
    }

    /** Runs it, and expects {@code why} {@code times}, no other reason, and no misses but those of the first group. */
    private static void assertCounts(Miss why, long times, Action action) throws Exception {
        Map<Miss, Long> expected = reasons();
        expected.merge(why, times, Long::sum);
        long misses = Stats.get(Stats.Counter.MISS_BLOCKS);
        action.run();
        Workers.quiesce();
        assertEquals(expected, reasons());
        assertEquals(why.ofBlocks() ? times : 0, Stats.get(Stats.Counter.MISS_BLOCKS) - misses);
    }

    private Configuration conf(String... pairs) {
        Configuration conf = MiniHdfs.cached(root);
        for (int i = 0; i < pairs.length; i += 2) {
            conf.set(pairs[i], pairs[i + 1]);
        }
        return conf;
    }

    private void assertReads(FileSystem fs, String path, Miss why, long times) throws Exception {
        assertCounts(why, times, () -> assertArrayEquals(DATA, MiniHdfs.read(fs, path)));
    }

    private int kept() throws Exception {
        return Files.exists(root.resolve("v1")) ? Trees.blocks(root).size() : 0;
    }

    @Test
    void blocksThatAreNotThere() throws Exception {
        MiniHdfs.write(plain, "/why/cold", DATA);
        try (FileSystem fs = MiniHdfs.client(conf())) {
            assertReads(fs, "/why/cold", Miss.COLD, BLOCKS);
            assertReads(fs, "/why/cold", Miss.COLD, 0);
        }
    }

    @Test
    void blocksThatAreDamaged() throws Exception {
        MiniHdfs.write(plain, "/why/corrupt", DATA);
        try (FileSystem fs = MiniHdfs.client(conf())) {
            assertReads(fs, "/why/corrupt", Miss.COLD, BLOCKS);
            java.nio.file.Path data = Trees.blocks(root).get(1);
            java.nio.file.Path trailer = Trees.blocks(root).get(3);
            for (java.nio.file.Path block : new java.nio.file.Path[] {data, trailer}) {
                byte[] content = Files.readAllBytes(block);
                content[block == data ? 100 : content.length - 20] ^= 1;
                Files.write(block, content);
            }
            assertReads(fs, "/why/corrupt", Miss.CORRUPT, 2);
            assertReads(fs, "/why/corrupt", Miss.CORRUPT, 0);
        }
    }

    /** The same time and length, other bytes. */
    @Test
    void blocksOfAnotherFileOfThatName() throws Exception {
        MiniHdfs.write(plain, "/why/changed", GoldenMaker.bytes(77, DATA.length));
        try (FileSystem fs = MiniHdfs.client(conf())) {
            FileStatus old = plain.getFileStatus(new Path("/why/changed"));
            MiniHdfs.read(fs, "/why/changed");
            Workers.quiesce();
            MiniHdfs.write(plain, "/why/changed", DATA);
            plain.setTimes(old.getPath(), old.getModificationTime(), -1);
            assertReads(fs, "/why/changed", Miss.VERSION_CHANGED, BLOCKS);
            assertReads(fs, "/why/changed", Miss.VERSION_CHANGED, 0);
        }
    }

    @Test
    void aTierThatFailed() throws Exception {
        MiniHdfs.write(plain, "/why/off", DATA);
        try (FileSystem fs = MiniHdfs.client(conf())) {
            Trees.delete(root.resolve("v1/tmp"));
            Files.createFile(root.resolve("v1/tmp"));
            assertReads(fs, "/why/off", Miss.TIER_OFF, BLOCKS);
            assertReads(fs, "/why/off", Miss.TIER_OFF, BLOCKS);
        }
    }

    @Test
    void aTierThatIsFull() throws Exception {
        MiniHdfs.write(plain, "/why/full", DATA);
        try (FileSystem fs = MiniHdfs.client(conf(Options.DISK, "1MiB"))) {
            Tier same = new Tier(root, 1, 0, 0, false, Modes.ofRoot(root));
            try (LockFile.Held evictor = same.lock.tryLock(LockFile.EVICTOR)) {
                Files.write(root.resolve("published"), new byte[9]);
                assertReads(fs, "/why/full", Miss.NO_SPACE, BLOCKS);
            }
        }
    }

    @Test
    void anApplicationThatPublishedItsShare() throws Exception {
        MiniHdfs.write(plain, "/why/filled", DATA);
        MiniHdfs.write(plain, "/why/more", DATA);
        String limit = Long.toString(DATA.length + 2L * MiniHdfs.BLOCK);
        Configuration conf = conf(Options.FILL_LIMIT, limit);
        try (FileSystem fs = MiniHdfs.client(conf)) {
            assertReads(fs, "/why/filled", Miss.COLD, BLOCKS);
            Map<Miss, Long> before = reasons();
            assertArrayEquals(DATA, MiniHdfs.read(fs, "/why/more"));
            Workers.quiesce();
            // The last block is a short one, and may be published before the others.
            long refused = Stats.get(Miss.FILL_LIMIT) - before.get(Miss.FILL_LIMIT);
            assertEquals(3, refused);
            assertEquals(BLOCKS + 2, kept());
            assertReads(fs, "/why/filled", Miss.FILL_LIMIT, 0);
            assertReads(fs, "/why/more", Miss.FILL_LIMIT, 3);
            conf.set(Options.APPLICATION, "another one/2");
            conf.set(Options.FILL_LIMIT, "2MiB"); // of which the remainder that each process begins with is one
            try (FileSystem another = MiniHdfs.client(conf)) {
                assertReads(another, "/why/more", Miss.COLD, 3);
            }
        }
    }

    @Test
    void aSessionWithoutTheCache() throws Exception {
        MiniHdfs.write(plain, "/why/session", DATA);
        try (FileSystem fs = MiniHdfs.client(conf(Options.ENABLED, "false"))) {
            assertReads(fs, "/why/session", Miss.DISABLED, 1);
            assertEquals(0, kept());
        }
    }

    @Test
    void theHostsSwitchTakesEffectAtTheNextOpen() throws Exception {
        MiniHdfs.write(plain, "/why/host", DATA);
        try (FileSystem fs = MiniHdfs.client(conf())) {
            java.nio.file.Path off = Files.write(root.resolve("disabled"), "the disk is dying".getBytes());
            assertReads(fs, "/why/host", Miss.DISABLED, 1);
            assertEquals(0, kept());
            Files.delete(off);
            assertReads(fs, "/why/host", Miss.COLD, BLOCKS);
            assertEquals(BLOCKS, kept());
            Files.createFile(off);
            long hits = Stats.get(Stats.Counter.HIT_BLOCKS_DISK);
            assertReads(fs, "/why/host", Miss.DISABLED, 1);
            assertEquals(hits, Stats.get(Stats.Counter.HIT_BLOCKS_DISK));
            Files.delete(off);
            assertReads(fs, "/why/host", Miss.COLD, 0);
            assertEquals(hits + BLOCKS, Stats.get(Stats.Counter.HIT_BLOCKS_DISK));
        }
    }

    @Test
    void pathsThatAreNotCached() throws Exception {
        for (String path : new String[] {"/why/in/a", "/why/in/a.tmp", "/why/out/a", "/why/in/_b"}) {
            MiniHdfs.write(plain, path, DATA);
        }
        try (FileSystem fs = MiniHdfs.client(conf(Options.INCLUDE, "/why/in/,/x/**", Options.EXCLUDE, "**.tmp"))) {
            assertReads(fs, "/why/in/a.tmp", Miss.EXCLUDED, 1);
            assertReads(fs, "/why/out/a", Miss.EXCLUDED, 1);
            assertReads(fs, "/why/in/_b", Miss.TEMPORARY, 1);
            assertEquals(0, kept());
            assertReads(fs, "/why/in/a", Miss.COLD, BLOCKS);
            assertEquals(BLOCKS, kept());
        }
    }

    @Test
    void filesThatAreTooLarge() throws Exception {
        MiniHdfs.write(plain, "/why/large", DATA);
        Path path = new Path("/why/large");
        FileStatus status = plain.getFileStatus(path);
        try (FileSystem fs = MiniHdfs.client(conf(Options.MAX_FILE_SIZE, Integer.toString(DATA.length - 1)))) {
            assertReads(fs, "/why/large", Miss.TOO_LARGE, 1);
            assertCounts(Miss.TOO_LARGE, 1, () -> assertArrayEquals(DATA,
                MiniHdfs.toEnd(fs.openFile(path).withFileStatus(status).build().get())));
            assertEquals(0, kept());
        }
        try (FileSystem fs = MiniHdfs.client(conf(Options.MAX_FILE_SIZE, Integer.toString(DATA.length)))) {
            assertReads(fs, "/why/large", Miss.COLD, BLOCKS);
        }
    }

    @Test
    void whatTheNameNodeForbids() throws Exception {
        MiniHdfs.write(plain, "/why/secret", DATA);
        MiniHdfs.write(plain, "/why/_secret", DATA);
        for (String path : new String[] {"/why/secret", "/why/_secret"}) {
            plain.setPermission(new Path(path), new FsPermission((short) 0600));
        }
        FileSystem bob = UserGroupInformation.createRemoteUser("bob")
            .doAs((PrivilegedExceptionAction<FileSystem>) () -> MiniHdfs.client(conf()));
        for (String path : new String[] {"/why/secret", "/why/_secret"}) {
            assertCounts(Miss.DENIED, 1,
                () -> assertThrows(AccessControlException.class, () -> bob.open(new Path(path))));
        }
        bob.close();
    }

    @Test
    void encryptedFiles() throws Exception {
        String path = MiniHdfs.ENCRYPTED + "/why";
        MiniHdfs.write(plain, path, DATA);
        FileStatus status = plain.getFileStatus(new Path(path));
        FileStatus rebuilt =
            new FileStatus(status.getLen(), false, 1, 1, status.getModificationTime(), status.getPath());
        try (FileSystem fs = MiniHdfs.client(conf())) {
            assertReads(fs, path, Miss.ENCRYPTED, 1);
            for (FileStatus brought : new FileStatus[] {status, rebuilt}) {
                assertCounts(Miss.ENCRYPTED, 1, () -> assertArrayEquals(DATA,
                    MiniHdfs.toEnd(fs.openFile(status.getPath()).withFileStatus(brought).build().get())));
            }
        }
    }

    @Test
    void filesThatAreBeingWritten() throws Exception {
        Path path = new Path("/why/open");
        try (FileSystem fs = MiniHdfs.client(conf()); FSDataOutputStream out = plain.create(path, true)) {
            out.write(DATA);
            out.hflush();
            assertReads(fs, "/why/open", Miss.UNDER_CONSTRUCTION, 1);
        }
        // Its length is told, and yet it is not finished.
        try (FileSystem fs = MiniHdfs.client(conf()); FSDataOutputStream again = plain.append(path)) {
            assertReads(fs, "/why/open", Miss.UNDER_CONSTRUCTION, 1);
            assertEquals(0, kept());
        }
    }

    @Test
    void whatIsNoVersion() throws Exception {
        MiniHdfs.write(plain, "/why/epoch", DATA);
        plain.setTimes(new Path("/why/epoch"), 0, -1);
        MiniHdfs.write(plain, "/why/empty", new byte[0]);
        MiniHdfs.write(plain, "/why/_empty", new byte[0]);
        try (FileSystem fs = MiniHdfs.client(conf())) {
            assertReads(fs, "/why/epoch", Miss.UNVERSIONED, 1);
            assertCounts(Miss.UNVERSIONED, 0, () -> assertEquals(0, MiniHdfs.read(fs, "/why/empty").length));
            assertCounts(Miss.TEMPORARY, 0, () -> assertEquals(0, MiniHdfs.read(fs, "/why/_empty").length));
        }
    }

    @Test
    void aCacheDirectoryThatCannotBeUsed() throws Exception {
        MiniHdfs.write(plain, "/why/unusable", DATA);
        java.nio.file.Path file = Files.createFile(root.resolve("file"));
        try (FileSystem fs = MiniHdfs.client(MiniHdfs.cached(file))) {
            assertReads(fs, "/why/unusable", Miss.TIER_OFF, 1);
            MiniHdfs.write(plain, "/why/_unusable", DATA);
            assertReads(fs, "/why/_unusable", Miss.TEMPORARY, 1);
        }
    }

    /** A file system that is up goes on, whatever is mounted later. */
    @Test
    void aCacheDirectoryThatProvesToHaveAnotherBlockSize() throws Exception {
        MiniHdfs.write(plain, "/why/other", DATA);
        FileSystem fs;
        Thread.currentThread().interrupt(); // whose root cannot be used now, and is tried again at once
        try {
            fs = MiniHdfs.client(conf());
        } finally {
            Thread.interrupted();
        }
        try (FileSystem up = fs) {
            Trees.delete(root.resolve("v1"));
            Root.open(root, 2 * MiniHdfs.BLOCK);
            assertReads(up, "/why/other", Miss.TIER_OFF, 1);
            assertReads(up, "/why/other", Miss.TIER_OFF, 1);
        }
        assertThrows(IllegalArgumentException.class, () -> MiniHdfs.client(conf()));
    }
}

package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.security.AccessControlException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an open costs the NameNode, and what stands in its audit log. */
class RoundTripsTest {
    /** Of more HDFS blocks than a client locates at once, and of few. */
    private static final int LARGE = 14 * MiniHdfs.HDFS_BLOCK - 1000;
    private static final int SMALL = 300_000;
    private static final Map<String, Long> NONE = Collections.emptyMap();

    @TempDir
    java.nio.file.Path root;
    private FileSystem plain;
    private Path path;

    @BeforeEach
    void setUp() throws Exception {
        plain = MiniHdfs.client(MiniHdfs.plain());
        path = new Path("/trips/" + System.nanoTime());
    }

    @AfterEach
    void tearDown() throws Exception {
        Workers.quiesce();
        plain.close();
    }

    private FileSystem cached(String... options) throws Exception {
        FileSystem fs = MiniHdfs.client(MiniHdfs.cached(root, options));
        fs.getFileStatus(new Path("/")); // a client's first call may ask for more
        return fs;
    }

    private static Map<String, Long> calls(Object... methodsAndCounts) {
        Map<String, Long> calls = new TreeMap<>();
        for (int i = 0; i < methodsAndCounts.length; i += 2) {
            calls.put((String) methodsAndCounts[i], ((Integer) methodsAndCounts[i + 1]).longValue());
        }
        return calls;
    }

    private byte[] written(int length) throws Exception {
        byte[] data = GoldenMaker.bytes(length, length);
        MiniHdfs.write(plain, path.toString(), data);
        return data;
    }

    private void read(FileSystem fs, FileStatus brought, byte[] expected) throws Exception {
        try (FSDataInputStream in = brought == null ? fs.open(path)
            : fs.openFile(path).withFileStatus(brought).build().get()) {
            assertArrayEquals(expected, MiniHdfs.toEnd(in));
        }
        Workers.quiesce();
    }

    private int opens() {
        return NameNodeCalls.audited("open", path.toString()).size();
    }

    /** Reads it once, and then expects of each further read the same calls. */
    private void assertHot(FileSystem fs, int length, boolean brought, Map<String, Long> expected, int lines)
        throws Exception {
        byte[] data = written(length);
        FileStatus status = brought ? plain.getFileStatus(path) : null;
        read(fs, status, data);
        for (int i = 0; i < 3; i++) {
            int before = opens();
            NameNodeCalls.assertMakes(expected, () -> read(fs, status, data));
            assertEquals(lines, opens() - before);
        }
        fs.close();
    }

    @Test
    void aHotOpenThatAsksEachTime() throws Exception {
        for (int length : new int[] {SMALL, LARGE}) {
            assertHot(cached(Options.FRESHNESS, "0"), length, true, calls("GetBlockLocations", 1), 1);
            assertHot(cached(Options.FRESHNESS, "0"), length, false,
                calls("GetBlockLocations", 1, "GetListing", 1), 1);
        }
    }

    @Test
    void aHotOpenWithinFreshness() throws Exception {
        assertHot(cached(Options.FRESHNESS, "1h"), LARGE, true, NONE, 0);
        assertHot(cached(Options.FRESHNESS, "1h"), LARGE, false, calls("GetFileInfo", 1), 0);
    }

    @Test
    void aHotOpenOfWhoIsAskedForWhereBytesAreFetched() throws Exception {
        for (String freshness : new String[] {"0", "1h"}) {
            assertHot(cached(Options.AUTHORIZE, "fill", Options.FRESHNESS, freshness), LARGE, true, NONE, 0);
            assertHot(cached(Options.AUTHORIZE, "fill", Options.FRESHNESS, freshness), LARGE, false,
                calls("GetFileInfo", 1), 0);
        }
    }

    /** Another process has filled the root: what this one knows of the file is the status that it is given. */
    @Test
    void theFirstHotOpenOfAProcess() throws Exception {
        byte[] data = written(SMALL);
        FileStatus status = plain.getFileStatus(path);
        try (FileSystem fs = cached(Options.FRESHNESS, "0")) {
            read(fs, status, data);
            Proven.forget();
            NameNodeCalls.assertMakes(calls("GetBlockLocations", 1, "GetListing", 1),
                () -> read(fs, status, data));
            Proven.forget();
            NameNodeCalls.assertMakes(calls("GetBlockLocations", 1, "GetListing", 1),
                () -> read(fs, null, data));
        }
    }

    private void readAtOnce(FileSystem fs, FileStatus brought, byte[] expected) throws Exception {
        byte[] seen = new byte[expected.length];
        try (FSDataInputStream in = brought == null ? fs.open(path)
            : fs.openFile(path).withFileStatus(brought).build().get()) {
            in.readFully(0, seen);
        }
        assertArrayEquals(expected, seen);
        Workers.quiesce();
    }

    /** The status is asked for again after the data; nothing else is asked twice. */
    @Test
    void aColdOpen() throws Exception {
        byte[] data = written(200_000);
        FileStatus status = plain.getFileStatus(path);
        try (FileSystem fs = cached(Options.FRESHNESS, "0")) {
            NameNodeCalls.assertMakes(calls("GetBlockLocations", 1, "GetListing", 1, "GetFileInfo", 1),
                () -> readAtOnce(fs, null, data));
            assertEquals(1, opens());
            Trees.blocks(root).forEach(block -> block.toFile().delete());
            NameNodeCalls.assertMakes(calls("GetBlockLocations", 1, "GetFileInfo", 1),
                () -> readAtOnce(fs, status, data));
            assertEquals(2, opens());
        }
    }

    /** Plain HDFS locates some blocks when it opens a file, and the others with another line. */
    @Test
    void aColdOpenOfALargeFile() throws Exception {
        byte[] data = written(LARGE);
        FileStatus status = plain.getFileStatus(path);
        readAtOnce(plain, null, data);
        assertEquals(2, opens());
        try (FileSystem fs = cached(Options.FRESHNESS, "0")) {
            readAtOnce(fs, status, data);
            assertEquals(3, opens());
        }
    }

    @Test
    void aRefusedOpenIsALineOfItsOwn() throws Exception {
        written(SMALL);
        plain.setPermission(path, new FsPermission((short) 0600));
        plain.setOwner(path, "alice", "alice");
        try (FileSystem bob = Users.as("bob", MiniHdfs.cached(root))) {
            for (int i = 1; i <= 3; i++) {
                assertThrows(AccessControlException.class, () -> bob.open(path));
                assertEquals(i, opens());
            }
        }
        assertEquals("open " + path + " bob refused", NameNodeCalls.audited("open", path.toString()).get(0));
    }
}

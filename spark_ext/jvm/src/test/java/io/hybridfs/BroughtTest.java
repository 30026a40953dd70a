package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileNotFoundException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.concurrent.ExecutionException;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a file whose status the caller brought, from a listing that is not of now. */
class BroughtTest {
    private static final int LENGTH = 150_000;

    @TempDir
    java.nio.file.Path root;
    private DistributedFileSystem plain;
    private FileSystem fs;
    private Path path;
    private FileStatus brought;

    @BeforeEach
    void setUp() throws Exception {
        plain = (DistributedFileSystem) MiniHdfs.client(MiniHdfs.plain());
        fs = MiniHdfs.client(MiniHdfs.cached(root));
        path = new Path("/brought/" + System.nanoTime());
        MiniHdfs.write(plain, path.toString(), GoldenMaker.bytes(0, LENGTH));
        brought = plain.getFileStatus(path);
    }

    @AfterEach
    void tearDown() throws Exception {
        Workers.quiesce();
        fs.close();
        plain.close();
    }

    private byte[] read() throws Exception {
        try (FSDataInputStream in = fs.openFile(path).withFileStatus(brought).build().get()) {
            return MiniHdfs.toEnd(in);
        }
    }

    private void assertPassedThrough(byte[] expected) throws Exception {
        long before = Stats.get(Miss.UNVERSIONED);
        assertArrayEquals(expected, read());
        assertEquals(1, Stats.get(Miss.UNVERSIONED) - before);
        Workers.quiesce();
        assertTrue(Trees.blocks(root).isEmpty());
    }

    /** As of a file that is being written in batches: HDFS itself would serve it. */
    @Test
    void aFileThatGrewIsPassedThrough() throws Exception {
        try (OutputStream out = plain.append(path)) {
            out.write(GoldenMaker.bytes(LENGTH, 5000));
        }
        assertPassedThrough(GoldenMaker.bytes(0, LENGTH + 5000));
    }

    @Test
    void aFileOfAnotherTimeIsPassedThrough() throws Exception {
        plain.setTimes(path, brought.getModificationTime() + 7000, -1);
        assertPassedThrough(GoldenMaker.bytes(0, LENGTH));
    }

    @Test
    void anotherFileOrAShorterOneIsAChange() throws Exception {
        plain.truncate(path, LENGTH / 2);
        while (!plain.isFileClosed(path)) {
            Thread.sleep(10);
        }
        assertChanged();
        MiniHdfs.write(plain, path.toString(), GoldenMaker.bytes(3, LENGTH + 1));
        assertChanged();
    }

    private void assertChanged() {
        Throwable thrown = assertThrows(ExecutionException.class, this::read).getCause();
        assertTrue(thrown instanceof FileChangedException, String.valueOf(thrown));
    }

    private java.nio.file.Path keep(Path dir) throws Exception {
        HdfsFileStatus[] children =
            plain.getClient().listPaths(dir.toString(), HdfsFileStatus.EMPTY_NAME).getPartialListing();
        Listings listings = ((HybridFileSystem) fs).listings();
        listings.entries.keep(Listing.of(dir.toString(), null, Arrays.asList(children), System.nanoTime(),
            System.currentTimeMillis(), 1));
        Workers.quiesce();
        assertEquals(1, Trees.blocks(root).size());
        return Trees.blocks(root).get(0);
    }

    /** Whoever tries again is not to be told of it by the same entry. */
    @Test
    void theEntryThatToldOfItGoes() throws Exception {
        java.nio.file.Path entry = keep(path.getParent());
        MiniHdfs.write(plain, path.toString(), GoldenMaker.bytes(3, LENGTH + 1));
        assertChanged();
        assertFalse(Files.exists(entry));
        keep(path.getParent());
        plain.delete(path, false);
        assertThrows(FileNotFoundException.class, () -> fs.open(path));
        assertFalse(Files.exists(entry));
    }
}

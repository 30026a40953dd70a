package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.Rename;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A file that changes at the origin, on a real HDFS. The changes are made by a client that knows no cache. */
class StalenessTest {
    private static final int LENGTH = 1_000_000;
    private static final Random RANDOM = new Random(3);

    @TempDir
    java.nio.file.Path root;
    private FileSystem plain;
    private FileSystem fs;
    private Path path;

    @BeforeEach
    void setUp(TestInfo test) throws Exception {
        plain = MiniHdfs.client(MiniHdfs.plain());
        Configuration conf = MiniHdfs.cached(root, Options.FRESHNESS, "1h");
        fs = MiniHdfs.client(conf);
        path = new Path("/stale/" + test.getTestMethod().get().getName() + "-" + RANDOM.nextLong());
    }

    @AfterEach
    void tearDown() throws Exception {
        Workers.quiesce();
        fs.close();
        plain.close();
    }

    /** Each turns the file's bytes into others, and returns those. */
    enum Change {
        OVERWRITE {
            @Override
            byte[] apply(DistributedFileSystem hdfs, Path path, byte[] old) throws Exception {
                byte[] data = random(old.length);
                MiniHdfs.write(hdfs, path.toString(), data);
                return data;
            }
        },
        OVERWRITE_WITH_EQUAL_TIME {
            @Override
            byte[] apply(DistributedFileSystem hdfs, Path path, byte[] old) throws Exception {
                long mtime = hdfs.getFileStatus(path).getModificationTime();
                byte[] data = OVERWRITE.apply(hdfs, path, old);
                hdfs.setTimes(path, mtime, -1);
                return data;
            }
        },
        APPEND {
            @Override
            byte[] apply(DistributedFileSystem hdfs, Path path, byte[] old) throws Exception {
                return append(hdfs, path, old, random(1000));
            }
        },
        TRUNCATE_AND_APPEND {
            @Override
            byte[] apply(DistributedFileSystem hdfs, Path path, byte[] old) throws Exception {
                // Within a block, whose number stays and whose generation moves.
                int kept = old.length - 1000;
                if (!hdfs.truncate(path, kept)) {
                    while (!hdfs.isFileClosed(path)) {
                        Thread.sleep(20);
                    }
                }
                return append(hdfs, path, Arrays.copyOf(old, kept), random(1000));
            }
        },
        RENAME_OVER {
            @Override
            byte[] apply(DistributedFileSystem hdfs, Path path, byte[] old) throws Exception {
                byte[] data = random(old.length);
                Path other = path.suffix("-other");
                MiniHdfs.write(hdfs, other.toString(), data);
                hdfs.rename(other, path, Rename.OVERWRITE);
                return data;
            }
        },
        DELETE_AND_CREATE {
            @Override
            byte[] apply(DistributedFileSystem hdfs, Path path, byte[] old) throws Exception {
                hdfs.delete(path, false);
                return OVERWRITE.apply(hdfs, path, old);
            }
        };

        abstract byte[] apply(DistributedFileSystem hdfs, Path path, byte[] old) throws Exception;

        private static byte[] append(DistributedFileSystem hdfs, Path path, byte[] old, byte[] more) throws Exception {
            try (OutputStream out = hdfs.append(path)) {
                out.write(more);
            }
            byte[] data = Arrays.copyOf(old, old.length + more.length);
            System.arraycopy(more, 0, data, old.length, more.length);
            return data;
        }
    }

    private static byte[] random(int length) {
        byte[] data = new byte[length];
        RANDOM.nextBytes(data);
        return data;
    }

    private byte[] written() throws IOException {
        byte[] data = random(LENGTH);
        MiniHdfs.write(plain, path.toString(), data);
        return data;
    }

    @ParameterizedTest
    @EnumSource
    void theNextOpenSeesIt(Change change) throws Exception {
        byte[] data = written();
        for (int round = 0; round < 2; round++) {
            assertArrayEquals(data, MiniHdfs.read(fs, path.toString()));
            Workers.quiesce();
            assertArrayEquals(data, MiniHdfs.read(fs, path.toString()));
            data = change.apply((DistributedFileSystem) plain, path, data);
        }
        assertArrayEquals(data, MiniHdfs.read(fs, path.toString()));
    }

    @ParameterizedTest
    @EnumSource
    void theNextOpenSeesOwnChanges(Change change) throws Exception {
        byte[] data = written();
        assertArrayEquals(data, MiniHdfs.read(fs, path.toString()));
        Workers.quiesce();
        data = change.apply((DistributedFileSystem) fs, path, data);
        assertArrayEquals(data, MiniHdfs.read(fs, path.toString()));
    }

    @ParameterizedTest
    @EnumSource
    void anOpenStreamSeesTheOldBytesOrAnError(Change change) throws Exception {
        byte[] data = written();
        int errors = 0;
        for (int round = 0; round < 2; round++) {
            byte[] seen = new byte[data.length];
            int n = 0;
            byte[] changed;
            try (FSDataInputStream in = fs.open(path)) {
                in.readFully(seen, 0, 10_000);
                n = 10_000;
                if (round % 2 == 1) {
                    in.unbuffer();
                }
                changed = change.apply((DistributedFileSystem) plain, path, data);
                try {
                    for (; n < seen.length; n += 10_000) {
                        in.readFully(seen, n, 10_000);
                    }
                } catch (FileChangedException e) {
                    assertTrue(e.getMessage().contains("REFRESH TABLE") && e.getMessage().contains(path.getName()));
                    errors++;
                }
            }
            assertArrayEquals(Arrays.copyOf(data, n), Arrays.copyOf(seen, n));
            Workers.quiesce();
            assertArrayEquals(changed, MiniHdfs.read(fs, path.toString()));
            data = Arrays.copyOf(changed, LENGTH);
            MiniHdfs.write(plain, path.toString(), data);
        }
        assertTrue(errors >= 1, "a stream that has to open the origin again must notice");
    }

    /** A DataNode serves who asks for an older generation of a block with the newer one. */
    @Test
    void anOpenStreamNoticesTruncateAndAppendWithinABlockThatItHasLocated() throws Exception {
        byte[] data = written();
        try (FSDataInputStream in = fs.open(path)) {
            in.readFully(0, new byte[10]);
            Workers.quiesce();
            Change.TRUNCATE_AND_APPEND.apply((DistributedFileSystem) plain, path, data);
            assertThrows(FileChangedException.class, () -> in.readFully(LENGTH - 500, new byte[500]));
        }
    }

    @ParameterizedTest
    @EnumSource
    void aStreamThatNobodyReadYetGoesOnWithOneOfThem(Change change) throws Exception {
        byte[] data = written();
        try (FSDataInputStream in = fs.open(path)) {
            byte[] changed = change.apply((DistributedFileSystem) plain, path, data);
            byte[] seen = MiniHdfs.toEnd(in);
            assertArrayEquals(changed, seen);
        }
        Workers.quiesce();
    }

    private VersionReader reader(FileVersion version) {
        Options options = new Options(fs.getConf());
        HdfsOrigin origin = new HdfsOrigin((HybridFileSystem) fs, path, version, null, new Traffic());
        return new VersionReader(Store.of(options), version, origin, new FileSystem.Statistics("hdfs"), options,
            new Traffic());
    }

    private FileVersion version() throws IOException {
        FileStatus status = plain.getFileStatus(path);
        return new FileVersion("hdfs-x", "hdfs://x" + path.toUri().getPath(), status.getModificationTime(),
            status.getLen(), FileVersion.validator(status));
    }

    /** The one waits for a block of the old version while the other goes over to the new one. */
    @Test
    void twoThreadsThatShareAStreamSeeOneVersion() throws Exception {
        byte[] data = written();
        FileVersion old = version();
        byte[] changed = Change.OVERWRITE.apply((DistributedFileSystem) plain, path, data);
        Store store = Store.of(new Options(fs.getConf()));
        Layout layout = new Layout(old, store.blockSize);
        byte[] seen = new byte[1000];
        try (HybridInputStream in = new HybridInputStream(reader(old), () -> reader(version()), 0, 0)) {
            CompletableFuture<Integer> waiting;
            try (LockFile.Held held = store.tryFetch(layout, 1)) {
                assertNotNull(held);
                waiting = Workers.ask(() -> in.read(MiniHdfs.BLOCK, seen, 0, seen.length));
                Thread.sleep(200);
                byte[] other = new byte[10];
                in.readFully(3 * MiniHdfs.BLOCK, other, 0, other.length);
                assertEquals(ByteBuffer.wrap(changed, 3 * MiniHdfs.BLOCK, 10), ByteBuffer.wrap(other));
                store.publish(layout, old.validator, 1, data, MiniHdfs.BLOCK);
            }
            assertEquals(seen.length, waiting.get(60, TimeUnit.SECONDS));
        }
        assertEquals(ByteBuffer.wrap(changed, MiniHdfs.BLOCK, seen.length), ByteBuffer.wrap(seen));
    }

    @Test
    void aVersionThatTheCallerNamedIsKeptOrRefused() throws Exception {
        byte[] data = written();
        FileStatus named = plain.getFileStatus(path);
        assertArrayEquals(data, MiniHdfs.read(fs, path.toString()));
        Workers.quiesce();
        FileStatus uncached;
        Path other = path.suffix("-uncached");
        MiniHdfs.write(plain, other.toString(), data);
        uncached = plain.getFileStatus(other);
        Change.OVERWRITE.apply((DistributedFileSystem) plain, path, data);
        Change.OVERWRITE.apply((DistributedFileSystem) plain, other, data);
        try (FSDataInputStream in = fs.openFile(path).withFileStatus(named).build().get()) {
            assertArrayEquals(data, MiniHdfs.toEnd(in));
        }
        ExecutionException refused = assertThrows(ExecutionException.class,
            () -> fs.openFile(other).withFileStatus(uncached).build().get());
        assertTrue(refused.getCause() instanceof FileChangedException, String.valueOf(refused.getCause()));
        assertTrue(refused.getCause().getMessage().contains("REFRESH TABLE"), refused.getCause().getMessage());
    }

    @Test
    void aDeletedFileIsNotFound() throws Exception {
        byte[] data = written();
        assertArrayEquals(data, MiniHdfs.read(fs, path.toString()));
        Workers.quiesce();
        plain.delete(path, false);
        assertThrows(FileNotFoundException.class, () -> fs.open(path));
        assertThrows(ExecutionException.class, () -> fs.openFile(path).build().get());
    }

    /** The status may be answered by a newer file than the one that the stream was opened on. */
    @Test
    void aStreamOpenedOnAnotherFileThanTheStatusToldOfIsRefused() throws Exception {
        byte[] data = written();
        FSDataInputStream early = plain.open(path);
        byte[] changed = Change.OVERWRITE.apply((DistributedFileSystem) plain, path, data);
        HybridFileSystem hybrid = (HybridFileSystem) fs;
        FileStatus late = hybrid.statusAtOrigin(path);
        FileVersion version = new FileVersion("hdfs-x", "hdfs://x/f", late.getModificationTime(), late.getLen(), 0);
        try (HdfsOrigin origin = new HdfsOrigin(hybrid, path, version, early, new Traffic())) {
            assertThrows(FileChangedException.class, () -> origin.read(0, new byte[10], 0, 10));
        }
        try (HdfsOrigin origin = new HdfsOrigin(hybrid, path, version, plain.open(path), new Traffic())) {
            byte[] head = new byte[10];
            origin.read(0, head, 0, 10);
            assertEquals(ByteBuffer.wrap(changed, 0, 10), ByteBuffer.wrap(head));
        }
    }
}

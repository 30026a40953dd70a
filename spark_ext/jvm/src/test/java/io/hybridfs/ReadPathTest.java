package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileRange;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.protocol.LocatedBlocks;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reading, on a real HDFS. */
class ReadPathTest {
    private static final int LENGTH = 5_000_001;

    @TempDir
    java.nio.file.Path root;
    private final Random random = new Random(11);
    private byte[] data;
    private FileSystem fs;
    private Path path;

    @BeforeEach
    void setUp(TestInfo test) throws Exception {
        fs = MiniHdfs.client(MiniHdfs.cached(root));
        path = new Path("/read/" + test.getTestMethod().get().getName());
        data = new byte[LENGTH];
        random.nextBytes(data);
        try (FileSystem plain = MiniHdfs.client(MiniHdfs.plain())) {
            MiniHdfs.write(plain, path.toString(), data);
        }
    }

    @AfterEach
    void tearDown() throws Exception {
        Workers.quiesce();
        fs.close();
    }

    /** An HDFS whose next opening fails when told so. */
    private final class FailsOnce implements HdfsOrigin.Client {
        private final HybridFileSystem hdfs = (HybridFileSystem) fs;
        volatile boolean fail;

        @Override
        public FSDataInputStream openOrigin(Path file) throws IOException {
            if (fail) {
                fail = false;
                throw new IOException("this once");
            }
            return hdfs.openOrigin(file);
        }

        @Override
        public FileStatus statusAtOrigin(Path file) throws IOException {
            return hdfs.statusAtOrigin(file);
        }

        @Override
        public LocatedBlocks headAtOrigin(Path file) throws IOException {
            return hdfs.headAtOrigin(file);
        }

        @Override
        public LocatedFile locatedAtOrigin(Path file) throws IOException {
            return hdfs.locatedAtOrigin(file);
        }
    }

    @Test
    void aSmallReadThatFailedMayBeRetried() throws Exception {
        FileStatus status = fs.getFileStatus(path);
        FileVersion version = new FileVersion("hdfs-x", "hdfs://x/retried", status.getModificationTime(), LENGTH, 0);
        Options options = new Options(fs.getConf());
        FailsOnce hdfs = new FailsOnce();
        VersionReader reader = new VersionReader(Store.of(options), version,
            new HdfsOrigin(hdfs, path, version, null, new Traffic()), new FileSystem.Statistics("hdfs"), options,
            new Traffic());
        try (HybridInputStream in = new HybridInputStream(reader, () -> null, 0, 0)) {
            for (int at : new int[] {0, 1_000_000}) {
                in.seek(at);
                in.unbuffer();
                hdfs.fail = true;
                assertEquals("this once", assertThrows(IOException.class, in::read).getMessage());
                byte[] small = new byte[100];
                assertEquals(100, in.read(small, 0, 100));
                assertEquals(ByteBuffer.wrap(data, at, 100), ByteBuffer.wrap(small));
            }
            in.seek(2_000_000);
            assertEquals(data[2_000_000] & 0xff, in.read());
            // The buffer has bytes of another place now.
            in.seek(3_000_000);
            hdfs.fail = true;
            reader.close();
            assertThrows(IOException.class, in::read);
            assertEquals(data[3_000_000] & 0xff, in.read());
        }
    }

    @Test
    void theSecondReadComesFromTheCache() throws Exception {
        long origin = Stats.get(Stats.Counter.ORIGIN_BYTES);
        assertArrayEquals(data, MiniHdfs.read(fs, path.toString()));
        Workers.quiesce();
        assertEquals(LENGTH, Stats.get(Stats.Counter.ORIGIN_BYTES) - origin);
        assertEquals((LENGTH + MiniHdfs.BLOCK - 1) / MiniHdfs.BLOCK, Trees.blocks(root).size());
        try (DirectoryStream<java.nio.file.Path> left =
                 Files.newDirectoryStream(root.resolve("v1/tmp"))) {
            assertFalse(left.iterator().hasNext(), "a temporary file is left");
        }
        long hits = Stats.get(Stats.Counter.HIT_BYTES);
        assertArrayEquals(data, MiniHdfs.read(fs, path.toString()));
        assertEquals(LENGTH, Stats.get(Stats.Counter.HIT_BYTES) - hits);
        assertEquals(LENGTH, Stats.get(Stats.Counter.ORIGIN_BYTES) - origin);
    }

    /** All ways to read, in random order, while blocks are damaged and removed underneath. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void everyWayToReadGivesTheFilesBytes(long seed) throws Exception {
        Random chance = new Random(seed);
        for (int round = 0; round < 6; round++) {
            try (FSDataInputStream in = fs.open(path)) {
                for (int step = 0; step < 40; step++) {
                    readSomehow(in, chance);
                }
            }
            Workers.quiesce();
            for (java.nio.file.Path block : Trees.blocks(root)) {
                int fate = chance.nextInt(8);
                if (fate == 0) {
                    Files.delete(block);
                } else if (fate == 1) {
                    byte[] content = Files.readAllBytes(block);
                    content[chance.nextInt(content.length)] ^= 4;
                    Files.write(block, content);
                }
            }
        }
    }

    private void readSomehow(FSDataInputStream in, Random chance) throws Exception {
        int from = chance.nextInt(LENGTH);
        int length = Math.min(LENGTH - from, 1 + chance.nextInt(chance.nextBoolean() ? 100 : 700_000));
        byte[] into = new byte[length];
        switch (chance.nextInt(7)) {
            case 0:
                in.seek(from);
                in.readFully(into);
                assertEquals(from + length, in.getPos());
                break;
            case 1:
                in.readFully(from, into);
                break;
            case 2:
                in.seek(from);
                ByteBuffer direct = ByteBuffer.allocateDirect(length);
                while (direct.hasRemaining()) {
                    assertTrue(in.read(direct) > 0);
                }
                direct.flip();
                direct.get(into);
                break;
            case 3:
                ByteBuffer heap = ByteBuffer.wrap(into);
                in.readFully(from, heap);
                assertFalse(heap.hasRemaining());
                break;
            case 4:
                in.seek(from);
                for (int i = 0; i < Math.min(length, 3000); i++) {
                    into[i] = (byte) in.read();
                }
                into = Arrays.copyOf(into, Math.min(length, 3000));
                break;
            case 5:
                in.unbuffer();
                in.seek(from);
                in.skip(0);
                in.readFully(into);
                break;
            default:
                vectored(in, chance);
                return;
        }
        assertArrayEquals(Arrays.copyOfRange(data, from, from + into.length), into);
    }

    private void vectored(FSDataInputStream in, Random chance) throws Exception {
        List<FileRange> ranges = new ArrayList<>();
        int at = chance.nextInt(LENGTH);
        while (at < LENGTH && ranges.size() < 20) {
            int length = Math.min(LENGTH - at, chance.nextInt(200_000));
            ranges.add(FileRange.createFileRange(at, length));
            at += length + chance.nextInt(300_000);
        }
        Collections.shuffle(ranges, chance);
        in.readVectored(ranges, chance.nextBoolean() ? ByteBuffer::allocate : ByteBuffer::allocateDirect);
        for (FileRange range : ranges) {
            ByteBuffer found = range.getData().get(60, TimeUnit.SECONDS);
            assertEquals(ByteBuffer.wrap(data, (int) range.getOffset(), range.getLength()), found);
        }
    }

    @Test
    void aVectoredReadOfNothingIsFine() throws Exception {
        try (FSDataInputStream in = fs.open(path)) {
            in.readVectored(Collections.emptyList(), ByteBuffer::allocate);
        }
    }

    @Test
    void edges() throws Exception {
        try (FSDataInputStream in = fs.open(path)) {
            assertEquals(0, in.read(new byte[0]));
            assertEquals(LENGTH, in.available());
            in.seek(LENGTH);
            assertEquals(-1, in.read());
            assertEquals(-1, in.read(new byte[5]));
            assertEquals(-1, in.read(LENGTH, new byte[5], 0, 5));
            assertEquals(1, in.read(LENGTH - 1, new byte[5], 0, 5));
            assertThrows(EOFException.class, () -> in.readFully(LENGTH - 1, new byte[2]));
            assertThrows(EOFException.class, () -> in.seek(LENGTH + 1));
            assertThrows(EOFException.class, () -> in.seek(-1));
            for (String capability : new String[] {"in:readvectored", "in:readbytebuffer", "in:preadbytebuffer",
                "in:unbuffer"}) {
                assertTrue(in.hasCapability(capability), capability);
            }
        }
        FSDataInputStream closed = fs.open(path);
        closed.close();
        assertThrows(IOException.class, closed::read);
    }

    @Test
    void oneOfManyThreadsFetchesEachBlock() throws Exception {
        long origin = Stats.get(Stats.Counter.ORIGIN_BYTES);
        ExecutorService readers = Executors.newFixedThreadPool(8);
        List<Future<byte[]>> all = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            all.add(readers.submit(() -> MiniHdfs.read(fs, path.toString())));
        }
        for (Future<byte[]> one : all) {
            assertArrayEquals(data, one.get(60, TimeUnit.SECONDS));
        }
        readers.shutdown();
        assertEquals(LENGTH, Stats.get(Stats.Counter.ORIGIN_BYTES) - origin);
    }

    @Test
    void threadsShareAStream() throws Exception {
        try (FSDataInputStream in = fs.open(path)) {
            ExecutorService readers = Executors.newFixedThreadPool(6);
            List<Future<Void>> all = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                long seed = i;
                all.add(readers.submit(() -> {
                    Random chance = new Random(seed);
                    for (int step = 0; step < 200; step++) {
                        int from = chance.nextInt(LENGTH - 1);
                        byte[] into = new byte[Math.min(LENGTH - from, 1 + chance.nextInt(100_000))];
                        in.readFully(from, into);
                        assertArrayEquals(Arrays.copyOfRange(data, from, from + into.length), into);
                    }
                    return null;
                }));
            }
            for (Future<Void> one : all) {
                one.get(120, TimeUnit.SECONDS);
            }
            readers.shutdown();
        }
    }

    /** Each run of blocks asks for a status, and several may share one. */
    @Test
    void readsOfOneBlockEachAreReadAhead() throws Exception {
        long before = statuses();
        try (FSDataInputStream in = fs.open(path)) {
            byte[] part = new byte[MiniHdfs.BLOCK];
            for (int at = 0; at < LENGTH; at += part.length) {
                int n = Math.min(part.length, LENGTH - at);
                in.readFully(part, 0, n);
                assertArrayEquals(Arrays.copyOfRange(data, at, at + n), Arrays.copyOf(part, n));
            }
        }
        int runs = 1 + LENGTH / new Options(fs.getConf()).fetchSize + 1;
        assertTrue(statuses() - before <= runs, () -> "each block was fetched alone");
    }

    private static long statuses() {
        return NameNodeCalls.byClients().getOrDefault("GetFileInfo", 0L);
    }

    @Test
    void onlyWhatIsNeededIsFetchedUntilReadingIsSequential() throws Exception {
        long origin = Stats.get(Stats.Counter.ORIGIN_BYTES);
        try (FSDataInputStream in = fs.open(path)) {
            in.readFully(1_000_000, new byte[10]);
            in.seek(3_000_000);
            in.readFully(new byte[10]);
            Workers.quiesce();
            assertEquals(2 * MiniHdfs.BLOCK, Stats.get(Stats.Counter.ORIGIN_BYTES) - origin);
            in.seek(0);
            in.readFully(new byte[MiniHdfs.BLOCK + 1]);
            in.readFully(new byte[10_000]);
            Workers.quiesce();
            long fetched = Stats.get(Stats.Counter.ORIGIN_BYTES) - origin;
            assertTrue(fetched > 10 * MiniHdfs.BLOCK && fetched < 30 * MiniHdfs.BLOCK, "fetched " + fetched);
        }
    }

    @Test
    void nothingIsReadAheadBeyondASplit() throws Exception {
        long origin = Stats.get(Stats.Counter.ORIGIN_BYTES);
        int end = 8 * MiniHdfs.BLOCK;
        try (FSDataInputStream in = fs.openFile(path).optLong("fs.option.openfile.split.end", end).build().get()) {
            in.readFully(new byte[end - 10]);
            in.readFully(new byte[10]);
            Workers.quiesce();
        }
        assertEquals(end, Stats.get(Stats.Counter.ORIGIN_BYTES) - origin);
    }

    @Test
    void hadoopsStatisticsCountEveryByteOnce() throws Exception {
        long before = bytesRead();
        MiniHdfs.read(fs, path.toString());
        Workers.quiesce();
        assertEquals(LENGTH, bytesRead() - before);
        MiniHdfs.read(fs, path.toString());
        assertEquals(2 * LENGTH, bytesRead() - before);
    }

    @SuppressWarnings("deprecation")
    private static long bytesRead() {
        return FileSystem.getStatistics("hdfs", HybridFileSystem.class).getBytesRead();
    }

    @Test
    void theStatusThatACallerBringsSavesTheQuestion() throws Exception {
        FileStatus status = fs.getFileStatus(path);
        FileStatus rebuilt = new FileStatus(status.getLen(), false, 1, 1, status.getModificationTime(), path);
        assertArrayEquals(data, MiniHdfs.toEnd(fs.openFile(path).withFileStatus(rebuilt).build().get()));
        Workers.quiesce();
        long origin = Stats.get(Stats.Counter.ORIGIN_BYTES);
        assertArrayEquals(data, MiniHdfs.read(fs, path.toString()));
        FileStatus undated = new FileStatus(status.getLen(), false, 1, 1, 0, path);
        assertArrayEquals(data, MiniHdfs.toEnd(fs.openFile(path).withFileStatus(undated).build().get()));
        assertEquals(origin, Stats.get(Stats.Counter.ORIGIN_BYTES));
    }

    @Test
    void bothSchemesShareTheCache() throws Exception {
        Configuration conf = MiniHdfs.cached(root);
        String authority = MiniHdfs.cluster().getURI().getAuthority();
        assertArrayEquals(data, MiniHdfs.read(fs, path.toString()));
        Workers.quiesce();
        long origin = Stats.get(Stats.Counter.ORIGIN_BYTES);
        Path other = new Path("hybridfs://" + authority + path);
        try (FileSystem own = FileSystem.newInstance(other.toUri(), conf)) {
            assertEquals("hybridfs", own.getScheme());
            assertEquals(other, own.getFileStatus(other).getPath());
            assertEquals(other, own.listStatus(other)[0].getPath());
            assertEquals(other, own.listLocatedStatus(other.getParent()).next().getPath().getParent().suffix("/"
                + path.getName()));
            assertTrue(own.getFileBlockLocations(own.getFileStatus(other), 0, LENGTH).length > 0);
            try (FSDataInputStream in = own.open(other)) {
                assertArrayEquals(data, MiniHdfs.toEnd(in));
            }
        }
        assertEquals(origin, Stats.get(Stats.Counter.ORIGIN_BYTES));
    }

    @Test
    void switchedOffItIsPlainHdfs(@TempDir java.nio.file.Path unused) throws Exception {
        Configuration conf = MiniHdfs.cached(unused.resolve("never-made"));
        conf.set(Options.ENABLED, "false");
        try (FileSystem off = MiniHdfs.client(conf)) {
            assertArrayEquals(data, MiniHdfs.read(off, path.toString()));
        }
        assertFalse(Files.exists(unused.resolve("never-made")));
    }
}

package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.fs.BlockLocation;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.security.AccessControlException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What listings cost the NameNode, and what scans miss: nothing that was there before they began. */
class ScanTest {
    private static final int SIBLINGS = 300;
    private static final int FILES = 2;
    private static final long PAUSE = Trail.pauseMillis;

    @TempDir
    java.nio.file.Path root;
    private FileSystem plain;
    private String base;

    @BeforeEach
    void setUp() throws Exception {
        Trail.pauseMillis = 600_000; // a busy host may pause
        plain = MiniHdfs.client(MiniHdfs.plain());
        base = "/scans/" + System.nanoTime();
    }

    @AfterEach
    void tearDown() throws Exception {
        Trail.pauseMillis = PAUSE;
        Workers.quiesce();
        plain.delete(new Path(base), true);
        plain.close();
    }

    private FileSystem cached(String... options) throws Exception {
        FileSystem fs = MiniHdfs.client(MiniHdfs.cached(root, options));
        fs.getFileStatus(new Path("/")); // a client's first call may ask for more
        return fs;
    }

    private Path table() throws Exception {
        return ScanTrees.table(plain, base + "/t", SIBLINGS, FILES);
    }

    private static void assertCalls(int listings, int batches, NameNodeCalls.Action action) throws Exception {
        Map<String, Long> expected = ScanTrees.calls("GetListing", listings, "GetBatchedListing", batches);
        expected.values().removeIf(count -> count == 0);
        NameNodeCalls.assertMakes(expected, action);
        Workers.quiesce();
    }

    private void assertSame(FileSystem fs, Path dir) throws Exception {
        assertEquals(ScanTrees.told(ScanTrees.leaves(plain, dir)), ScanTrees.told(ScanTrees.leaves(fs, dir)));
    }

    private static List<Path> below(FileSystem fs, Path dir) throws Exception {
        List<Path> dirs = new ArrayList<>();
        for (FileStatus status : fs.listStatus(dir)) {
            dirs.add(status.getPath());
        }
        return dirs;
    }

    private static void listEach(FileSystem fs, Iterable<Path> dirs) throws Exception {
        for (Path dir : dirs) {
            assertEquals(FILES, fs.listStatus(dir).length, dir.toString());
        }
    }

    /** Partitions as a metastore names them: nobody has listed the table. */
    private static List<Path> partitions(Path table, int from, int to, int step) {
        List<Path> paths = new ArrayList<>();
        for (int i = from; i < to; i += step) {
            paths.add(new Path(table, ScanTrees.name(i)));
        }
        return paths;
    }

    @Test
    void oneListingIsOneCall() throws Exception {
        Path table = table();
        try (FileSystem fs = cached()) {
            for (int i = 0; i < 3; i++) {
                assertCalls(1, 0, () -> fs.listStatus(table));
                assertCalls(1, 0, () -> fs.listLocatedStatus(table).hasNext());
                assertCalls(1, 0, () -> fs.listStatusIterator(table).hasNext());
            }
        }
    }

    @Test
    void siblingsComeInBatchesAndThenFromEntries() throws Exception {
        Path table = table();
        List<String> expected = ScanTrees.told(ScanTrees.leaves(plain, table));
        try (FileSystem fs = cached()) {
            assertCalls(1, 3, () -> assertEquals(expected, ScanTrees.told(ScanTrees.leaves(fs, table))));
            assertCalls(1, 0, () -> assertEquals(expected, ScanTrees.told(ScanTrees.leaves(fs, table))));
        }
        try (FileSystem fs = cached()) { // another process of this host would find them as well
            assertCalls(1, 0, () -> assertEquals(expected, ScanTrees.told(ScanTrees.leaves(fs, table))));
        }
    }

    @Test
    void freshnessZeroAndOriginAreAsPlainHdfs() throws Exception {
        Path table = table();
        for (String[] options : new String[][] {{Options.FRESHNESS, "0"}, {Options.LISTINGS, "origin"},
            {Options.ENABLED, "false"}}) {
            try (FileSystem fs = cached(options)) {
                assertCalls(1 + SIBLINGS, 0, () -> ScanTrees.leaves(fs, table));
            }
        }
    }

    @Test
    void whatAnotherClientChangedBeforeTheScanIsSeen() throws Exception {
        Path table = table();
        try (FileSystem fs = cached()) {
            ScanTrees.leaves(fs, table);
            Workers.quiesce();
            plain.create(new Path(table, "p=00000/new")).close();
            plain.delete(new Path(table, "p=00001/f0"), false);
            plain.rename(new Path(table, "p=00002/f0"), new Path(table, "p=00003/moved"));
            plain.delete(new Path(table, "p=00150"), true);
            plain.mkdirs(new Path(table, "p=00150x/deeper"));
            plain.create(new Path(table, "p=00150x/deeper/f")).close();
            plain.rename(new Path(table, "p=00298"), new Path(table, "p=00299y"));
            assertSame(fs, table);
            assertSame(fs, table);
        }
    }

    /** A change and the listing of it may share a tick of the NameNode's clock. */
    @Test
    void aDirectoryThatWasChangedLatelyIsNotTrusted() throws Exception {
        Path table = table();
        Path young = new Path(table, "p=00007");
        plain.create(new Path(young, "young")).close();
        try (FileSystem fs = cached()) {
            ScanTrees.leaves(fs, table);
            Workers.quiesce();
            assertCalls(2, 0, () -> ScanTrees.leaves(fs, table)); // a batch of one is a listing
        }
    }

    @Test
    void twoLevels() throws Exception {
        Path table = new Path(base + "/two");
        for (int i = 0; i < 20; i++) {
            ScanTrees.table(plain, table + "/" + String.format("a=%02d", i), 20, FILES);
            ScanTrees.age(plain, new Path(table, String.format("a=%02d", i)));
        }
        try (FileSystem fs = cached()) {
            Map<String, Long> before = NameNodeCalls.byClients();
            assertSame(fs, table);
            Workers.quiesce();
            long batches = NameNodeCalls.byClients().getOrDefault("GetBatchedListing", 0L)
                - before.getOrDefault("GetBatchedListing", 0L);
            assertTrue(batches <= 10, batches + " batches");
            assertCalls(1, 1, () -> ScanTrees.leaves(fs, table)); // those with subdirectories are listed
            for (FileStatus each : plain.listStatus(table)) {
                for (FileStatus partition : plain.listStatus(each.getPath())) {
                    plain.create(new Path(partition.getPath(), "more")).close();
                }
            }
            assertSame(fs, table);
        }
    }

    @Test
    void partitionsOfTheMetastore() throws Exception {
        Path table = table();
        try (FileSystem fs = cached()) {
            assertCalls(3, 3, () -> listEach(fs, partitions(table, 0, SIBLINGS, 1)));
            assertCalls(3, 0, () -> listEach(fs, partitions(table, 0, SIBLINGS, 1)));
        }
    }

    /** Of a few among many, hardly more is fetched than is used. */
    @Test
    void prunedPartitionsOfTheMetastore() throws Exception {
        Path table = table();
        try (FileSystem fs = cached()) {
            long before = Stats.get(Stats.Counter.LISTINGS_PREFETCHED);
            listEach(fs, partitions(table, 0, SIBLINGS, 10));
            Workers.quiesce();
            long fetched = Stats.get(Stats.Counter.LISTINGS_PREFETCHED) - before;
            assertTrue(fetched <= 2 * SIBLINGS / 10 + 100, fetched + " fetched");
        }
    }

    /** The next partition's subdirectories follow without a pause of their own. */
    @Test
    void twoLevelsOfTheMetastore() throws Exception {
        Path table = new Path(base + "/two");
        List<Path> leaves = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Path outer = ScanTrees.table(plain, table + "/" + String.format("a=%02d", i), 20, FILES);
            ScanTrees.age(plain, outer);
            leaves.addAll(partitions(outer, 0, 20, 1));
        }
        try (FileSystem fs = cached()) {
            Map<String, Long> before = NameNodeCalls.byClients();
            listEach(fs, leaves);
            Workers.quiesce();
            Map<String, Long> after = NameNodeCalls.byClients();
            long calls = after.get("GetListing") + after.get("GetBatchedListing") - before.get("GetListing")
                - before.getOrDefault("GetBatchedListing", 0L);
            assertTrue(calls <= 25, calls + " calls");
        }
    }

    /** What is known of the upper level shows what is to be fetched of the lower one. */
    @Test
    void boundedFetchesAheadWhatIsNotKept() throws Exception {
        Path table = new Path(base + "/two");
        for (int i = 0; i < 20; i++) {
            ScanTrees.table(plain, table + "/" + String.format("a=%02d", i), 20, FILES);
        }
        try (FileSystem fs = cached(Options.LISTINGS, "bounded")) {
            for (Path outer : below(fs, table)) {
                assertEquals(20, fs.listStatus(outer).length);
            }
            Workers.quiesce();
            List<String> expected = ScanTrees.told(ScanTrees.leaves(plain, table));
            long before = listings();
            assertEquals(expected, ScanTrees.told(ScanTrees.leaves(fs, table)));
            Workers.quiesce();
            assertTrue(listings() - before <= 15, listings() - before + " calls for 400 partitions");
        }
    }

    private static long listings() {
        Map<String, Long> calls = NameNodeCalls.byClients();
        return calls.getOrDefault("GetListing", 0L) + calls.getOrDefault("GetBatchedListing", 0L);
    }

    @Test
    void anotherOrderIsNoScan() throws Exception {
        Path table = table();
        try (FileSystem fs = cached()) {
            List<Path> dirs = partitions(table, 0, 40, 1);
            Collections.reverse(dirs);
            assertCalls(40, 0, () -> listEach(fs, dirs));
            assertCalls(40, 1, () -> {
                fs.listStatus(table);
                for (int i = 0; i < 40; i++) {
                    fs.listStatus(dirs.get(0)); // the first begins a scan, which repetition ends
                }
            });
        }
    }

    @Test
    void aPauseEndsAScan() throws Exception {
        Path table = table();
        try (FileSystem fs = cached()) {
            List<Path> dirs = below(fs, table);
            listEach(fs, dirs.subList(0, 10));
            Trail.pauseMillis = PAUSE;
            Thread.sleep(PAUSE + 100);
            plain.delete(new Path(dirs.get(10), "f0"), false);
            assertEquals(FILES - 1, fs.listStatus(dirs.get(10)).length);
        }
    }

    @Test
    void aRepetitionIsOfNow() throws Exception {
        Path table = table();
        try (FileSystem fs = cached()) {
            List<Path> dirs = below(fs, table);
            listEach(fs, dirs.subList(0, 10));
            plain.delete(new Path(dirs.get(9), "f0"), false);
            plain.delete(new Path(dirs.get(10), "f0"), false);
            assertEquals(FILES - 1, fs.listStatus(dirs.get(9)).length);
            assertEquals(FILES - 1, fs.listStatus(dirs.get(10)).length);
        }
    }

    /** Whichever file system of this process makes it. */
    @Test
    void anOwnChangeEndsAScan() throws Exception {
        Path table = table();
        try (FileSystem fs = cached(); FileSystem other = cached()) {
            List<Path> dirs = below(fs, table);
            listEach(fs, dirs.subList(0, 10));
            other.create(new Path(dirs.get(20), "own")).close();
            listEach(fs, dirs.subList(10, 20));
            assertEquals(FILES + 1, fs.listStatus(dirs.get(20)).length);
            listEach(fs, dirs.subList(21, 30));
            fs.delete(new Path(dirs.get(30), "f0"), false);
            assertEquals(FILES - 1, fs.listStatus(dirs.get(30)).length);
        }
    }

    @Test
    void directoriesThatComeAndGoDuringAScan() throws Exception {
        Path table = table();
        try (FileSystem fs = cached()) {
            List<Path> dirs = below(fs, table);
            listEach(fs, dirs.subList(0, 1));
            plain.delete(dirs.get(250), true);
            plain.delete(dirs.get(251), true);
            plain.create(dirs.get(251)).close();
            listEach(fs, dirs.subList(1, 250));
            FileNotFoundException expected = assertThrows(FileNotFoundException.class,
                () -> plain.listStatus(dirs.get(250)));
            FileNotFoundException gone = assertThrows(FileNotFoundException.class,
                () -> fs.listStatus(dirs.get(250)));
            assertEquals(expected.getMessage(), gone.getMessage());
            assertEquals(ScanTrees.told(plain.listStatus(dirs.get(251))),
                ScanTrees.told(fs.listStatus(dirs.get(251))));
            listEach(fs, dirs.subList(252, 300));
        }
    }

    @Test
    void manyFilesInOneOfThem() throws Exception {
        Path table = ScanTrees.table(plain, base + "/t", 30, FILES);
        Path large = new Path(table, "p=00011");
        for (int i = 0; i < 2500; i++) {
            plain.mkdirs(new Path(large, "d" + i));
        }
        plain.setPermission(new Path(large, "d7"), new FsPermission((short) 0700));
        plain.create(new Path(large, "file"), true, 4096, (short) 1, 2048).close();
        MiniHdfs.write(plain, large + "/long", new byte[MiniHdfs.HDFS_BLOCK + 5]);
        try (FileSystem fs = cached()) {
            assertEquals(2504, fs.listStatus(large).length);
            assertSame(fs, table);
            Workers.quiesce();
            assertSame(fs, table);
            List<String> expected = new ArrayList<>();
            List<String> told = new ArrayList<>();
            for (Path dir : below(fs, table)) {
                told.addAll(ScanTrees.told(fs.listStatus(dir)));
            }
            for (Path dir : below(plain, table)) {
                expected.addAll(ScanTrees.told(plain.listStatus(dir)));
            }
            assertEquals(expected, told);
        }
    }

    @Test
    void whatIsForbiddenStaysForbidden() throws Exception {
        Path table = table();
        Path secret = new Path(table, "p=00123");
        plain.setPermission(secret, new FsPermission((short) 0700));
        plain.setPermission(table, new FsPermission((short) 0755));
        try (FileSystem fs = cached();
             FileSystem alice = Users.as("alice", MiniHdfs.cached(root))) {
            assertSame(fs, table);
            Workers.quiesce();
            List<Path> dirs = below(alice, table);
            listEach(alice, dirs.subList(0, 123));
            assertThrows(AccessControlException.class, () -> alice.listStatus(secret));
            listEach(alice, dirs.subList(124, SIBLINGS));
            Workers.quiesce();
            plain.setPermission(new Path(table, "p=00200"), new FsPermission((short) 0700));
            List<Path> again = below(alice, table);
            listEach(alice, again.subList(124, 200));
            assertThrows(AccessControlException.class, () -> alice.listStatus(again.get(200)));
        }
    }

    /** Whoever waits for a marker sees it, and an answer of a scan is none to him. */
    @Test
    void aStatusIsOfNowWithinAScan() throws Exception {
        Path table = table();
        Path marker = new Path(table, "_SUCCESS");
        try (FileSystem fs = cached()) {
            List<Path> dirs = below(fs, table);
            listEach(fs, dirs.subList(0, 2));
            Workers.quiesce();
            NameNodeCalls.assertMakes(ScanTrees.calls("GetFileInfo", 1), () -> assertFalse(fs.exists(marker)));
            plain.create(marker).close();
            plain.setTimes(dirs.get(7), 12_345, -1);
            assertTrue(fs.exists(marker));
            assertEquals(12_345, fs.getFileStatus(dirs.get(7)).getModificationTime());
            assertCalls(0, 0, () -> listEach(fs, dirs.subList(2, 3)));
        }
    }

    /** He cannot know of it by the scan. */
    @Test
    void whoAsksForWhatAScanDoesNotShowIsToldOfNow() throws Exception {
        Path table = table();
        Path made = new Path(table, "p=00002a");
        try (FileSystem fs = cached()) {
            List<Path> dirs = below(fs, table);
            listEach(fs, dirs.subList(0, 3));
            plain.mkdirs(made);
            plain.delete(new Path(dirs.get(3), "f0"), false);
            assertEquals(0, fs.listStatus(made).length);
            assertEquals(FILES - 1, fs.listStatus(dirs.get(3)).length);
            listEach(fs, dirs.subList(4, SIBLINGS));
        }
    }

    @Test
    void aClosedFileSystemTellsNothing() throws Exception {
        Path table = table();
        for (String mode : Arrays.asList("validated", "bounded")) {
            FileSystem fs = cached(Options.LISTINGS, mode);
            List<Path> dirs = below(fs, table);
            listEach(fs, dirs.subList(0, 2));
            Workers.quiesce();
            fs.close();
            assertThrows(IOException.class, () -> fs.listStatus(dirs.get(2)));
            assertThrows(IOException.class, () -> fs.listStatus(table));
            assertThrows(IOException.class, () -> fs.getFileStatus(dirs.get(0)));
            assertEquals(0, ScanWindow.held());
        }
    }

    /** As a cancelled job's; the next listing is right. */
    @Test
    void anInterruptedScan() throws Exception {
        Path table = table();
        try (FileSystem fs = cached()) {
            List<Path> dirs = below(fs, table);
            listEach(fs, dirs.subList(0, 2));
            Thread.currentThread().interrupt();
            try {
                fs.listStatus(new Path(table, "p=00250"));
            } catch (IOException asPlainHdfs) {
                assertTrue(asPlainHdfs.toString().contains("nterrupt"), asPlainHdfs.toString());
            } finally {
                Thread.interrupted();
            }
            listEach(fs, dirs.subList(251, SIBLINGS));
        }
    }

    @Test
    void severalThreads() throws Exception {
        Path table = table();
        List<String> expected = ScanTrees.told(ScanTrees.leaves(plain, table));
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try (FileSystem fs = cached()) {
            for (int round = 0; round < 3; round++) {
                List<Future<List<String>>> parts = new ArrayList<>();
                List<Path> dirs = below(fs, table);
                for (int i = 0; i < 8; i++) {
                    List<Path> part = dirs.subList(i * SIBLINGS / 8, (i + 1) * SIBLINGS / 8);
                    parts.add(threads.submit(() -> {
                        List<LocatedFileStatus> files = new ArrayList<>();
                        for (Path dir : part) {
                            files.addAll(ScanTrees.leaves(fs, dir));
                        }
                        return ScanTrees.told(files);
                    }));
                }
                List<String> told = new ArrayList<>();
                for (Future<List<String>> part : parts) {
                    told.addAll(part.get());
                }
                assertEquals(expected, told);
                Workers.quiesce();
            }
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void globsAndFiles() throws Exception {
        Path table = table();
        try (FileSystem fs = cached()) {
            for (String pattern : Arrays.asList("/p=*", "/p=0001*/f*", "/*/f0", "/none*", "/p=00001/f1")) {
                Path glob = new Path(table + pattern);
                assertEquals(ScanTrees.told(plain.globStatus(glob)), ScanTrees.told(fs.globStatus(glob)));
            }
            List<FileStatus> expected = new ArrayList<>();
            List<FileStatus> told = new ArrayList<>();
            for (org.apache.hadoop.fs.RemoteIterator<LocatedFileStatus> each = plain.listFiles(table, true);
                 each.hasNext(); ) {
                expected.add(each.next());
            }
            assertCalls(1, 3, () -> {
                for (org.apache.hadoop.fs.RemoteIterator<LocatedFileStatus> each = fs.listFiles(table, true);
                     each.hasNext(); ) {
                    told.add(each.next());
                }
            });
            assertEquals(ScanTrees.told(expected), ScanTrees.told(told));
        }
    }

    /** Which nobody goes on with; what its threads fetched is let go of. */
    @Test
    void nothingIsLeftOfAnAbandonedScan() throws Exception {
        Path table = table();
        Trail.pauseMillis = PAUSE;
        try (FileSystem fs = cached()) {
            List<Path> dirs = below(fs, table);
            fs.listStatus(dirs.get(0));
            for (long start = System.nanoTime(); ScanWindow.held() > 0; Thread.sleep(20)) {
                assertTrue(System.nanoTime() - start < TimeUnit.SECONDS.toNanos(60), ScanWindow.held() + " bytes");
            }
        }
    }

    @Test
    void bothSchemes() throws Exception {
        Path table = ScanTrees.table(plain, base + "/t", 3, FILES);
        URI uri = URI.create("hybridfs://" + MiniHdfs.cluster().getURI().getAuthority());
        try (FileSystem fs = FileSystem.newInstance(uri, MiniHdfs.cached(root))) {
            List<String> expected = new ArrayList<>();
            for (LocatedFileStatus file : ScanTrees.leaves(plain, table)) {
                expected.add(ScanTrees.told(file).replace("hdfs://", "hybridfs://"));
            }
            assertEquals(expected, ScanTrees.told(ScanTrees.leaves(fs, table)));
            Workers.quiesce();
            assertEquals(expected, ScanTrees.told(ScanTrees.leaves(fs, table)));
        }
    }

    @Test
    void erasureCodedDirectories() throws Exception {
        DistributedFileSystem hdfs = (DistributedFileSystem) plain;
        hdfs.enableErasureCodingPolicy("XOR-2-1-1024k");
        Path table = table();
        Path coded = new Path(table, "p=00100");
        hdfs.setErasureCodingPolicy(coded, "XOR-2-1-1024k");
        plain.create(new Path(coded, "coded"), true, 4096, (short) 1, 1 << 20).close();
        ScanTrees.age(plain, coded);
        try (FileSystem fs = cached()) {
            for (int i = 0; i < 3; i++) {
                assertSame(fs, table);
                Workers.quiesce();
            }
        }
    }

    /** Offsets and lengths as HDFS tells them, and no hosts: those are no place to run tasks of the cloud. */
    @Test
    void blocksAreOnNoHost() throws Exception {
        Path table = ScanTrees.table(plain, base + "/t", 3, 0);
        MiniHdfs.write(plain, table + "/p=00001/long", new byte[2 * MiniHdfs.HDFS_BLOCK + 5]);
        try (FileSystem fs = cached()) {
            BlockLocation[] expected = ScanTrees.leaves(plain, table).get(0).getBlockLocations();
            BlockLocation[] told = ScanTrees.leaves(fs, table).get(0).getBlockLocations();
            assertEquals(expected.length, told.length);
            for (int i = 0; i < told.length; i++) {
                assertEquals(expected[i].getOffset(), told[i].getOffset());
                assertEquals(expected[i].getLength(), told[i].getLength());
                assertEquals(0, told[i].getHosts().length);
            }
        }
    }

    /** Whose own file systems count alike. */
    @Test
    void operationsAreCountedAsByPlainHdfs() throws Exception {
        Path table = ScanTrees.table(plain, base + "/t", 20, FILES);
        try (FileSystem fs = cached(Options.LISTINGS, "origin"); FileSystem cached = cached()) {
            long before = readOps();
            ScanTrees.leaves(fs, table);
            long expected = readOps() - before;
            ScanTrees.leaves(cached, table);
            assertEquals(before + 2 * expected, readOps());
        }
    }

    private static long readOps() {
        return FileSystem.getStatistics("hdfs", HybridFileSystem.class).getReadOps();
    }
}

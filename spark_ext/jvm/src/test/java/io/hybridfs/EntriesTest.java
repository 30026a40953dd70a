package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Scanner;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Listings that the root keeps (FORMAT 10): which are found, which are not, and what becomes of those. */
class EntriesTest {
    private static final String AUTHORITY = "nn.example:8020";
    private static final String SHARED = "hdfs-" + AUTHORITY + "@alice";
    private static final long FRESH = 60_000;
    private static final long MIB = 1 << 20;

    @TempDir
    Path root;
    private Tier tier;
    private Entries entries;

    @BeforeEach
    void setUp() throws Exception {
        Mutations.forget();
        tier = Tiers.make(root, 100 * MIB, 0);
        entries = entries(SHARED, FRESH);
    }

    private Entries entries(String shared, long freshness) {
        return new Entries(AUTHORITY, shared, freshness, () -> tier);
    }

    private static HdfsFileStatus status(String name, long fileId) {
        return new HdfsFileStatus.Builder().path(name.getBytes(StandardCharsets.UTF_8)).fileId(fileId).mtime(5)
            .owner("alice").group("staff").length(fileId).build();
    }

    private static Listing listing(String path, long agoMillis, String... names) {
        List<HdfsFileStatus> children = new ArrayList<>();
        for (String name : names) {
            children.add(status(name, children.size() + 1));
        }
        return Listing.of(path, null, children, System.nanoTime() - TimeUnit.MILLISECONDS.toNanos(agoMillis),
            System.currentTimeMillis() - agoMillis, 1);
    }

    private static ListingFormat format(String path) {
        return new ListingFormat(CanonicalUri.domain(SHARED + "+listings"), "hdfs://" + AUTHORITY + path);
    }

    private Path file(String path) {
        return root.resolve(format(path).file);
    }

    private void keep(Listing listing) {
        entries.keep(listing);
        Tiers.quiesce();
    }

    private static byte[] boot() throws IOException {
        String id = new String(Files.readAllBytes(java.nio.file.Paths.get("/proc/sys/kernel/random/boot_id")));
        return GoldenListings.boot(id.trim());
    }

    private void put(Listing listing, byte[] boot) throws IOException {
        Path file = file(listing.path);
        Files.createDirectories(file.getParent());
        Files.write(file, GoldenListings.file(format(listing.path), listing, boot));
    }

    private static long corrupt() {
        return Stats.get(Stats.Counter.CORRUPT);
    }

    @Test
    void whatIsKeptIsFoundBySameUserOnly() {
        assertNull(entries.find("/a/b"));
        keep(listing("/a/b", 0, "x", "y"));
        keep(listing("/", 0, "a"));
        keep(listing("/a/c", 0));
        keep(Listing.absent("/a/d", System.nanoTime(), System.currentTimeMillis()));
        for (Entries reader : new Entries[] {entries, entries(SHARED, FRESH)}) {
            assertEquals(Arrays.asList("x", "y"), reader.find("/a/b").names());
            assertEquals(Arrays.asList("x", "y"), reader.find("/a//b/").names());
            assertEquals(Collections.singletonList("a"), reader.find("/").names());
            assertEquals(0, reader.find("/a/c").size());
            assertFalse(reader.find("/a/c").isAbsent());
            assertTrue(reader.find("/a/d").isAbsent());
            assertNull(reader.find("/a"));
        }
        assertNull(entries("hdfs-" + AUTHORITY + "@bob", FRESH).find("/a/b"));
        assertNull(new Entries("nn.example:9000", SHARED, FRESH, () -> tier).find("/a/b"));
        entries.drop("/a/b");
        assertNull(entries.find("/a/b"));
        assertTrue(entries.find("/a/d").isAbsent());
    }

    /** Of each clock, the other being right: one may have been set, the other may have stood still in sleep. */
    @Test
    void itIsFreshByBothClocks() throws Exception {
        long nanos = System.nanoTime();
        long millis = System.currentTimeMillis();
        long hour = TimeUnit.HOURS.toMillis(1);
        long[][] ages = {{0, 0, 1}, {FRESH / 2, FRESH / 2, 1}, {FRESH, 0, 0}, {0, FRESH, 0}, {-hour, 0, 0},
            {0, -hour, 0}, {hour, hour, 0}};
        for (long[] age : ages) {
            put(Listing.of("/d", null, Collections.emptyList(), nanos - TimeUnit.MILLISECONDS.toNanos(age[0]),
                millis - age[1], 1), boot());
            assertEquals(age[2] == 1, entries.find("/d") != null, Arrays.toString(age));
            assertTrue(Files.exists(file("/d")), "whom it is fresh to, it serves");
        }
        put(listing("/d", 0), boot());
        assertNotNull(entries.find("/d"));
        assertNull(entries(SHARED, 0).find("/d"));
        put(listing("/d", 0), new byte[16]);
        assertNull(entries.find("/d"), "of another boot");
    }

    /** As Python's clock is, so that both languages can share what they keep. */
    @Test
    void theClockIsThatOfPython() throws Exception {
        long before = System.nanoTime();
        Process python = new ProcessBuilder("python3", "-c", "import time; print(time.monotonic_ns())").start();
        try (Scanner out = new Scanner(python.getInputStream())) {
            long told = out.nextLong();
            assertTrue(before < told && told < System.nanoTime(), before + " " + told);
        }
    }

    @Test
    void aStaleListingIsNotEvenKept() {
        keep(listing("/old", FRESH));
        entries(SHARED, 0).keep(listing("/never", 0));
        Tiers.quiesce();
        assertFalse(Files.exists(file("/old")));
        assertFalse(Files.exists(file("/never")));
    }

    @Test
    void everyGarbledByteIsAMissAndTheFileGoes() throws Exception {
        keep(listing("/d", 0, "x", "y"));
        byte[] good = Files.readAllBytes(file("/d"));
        for (int i = 0; i < good.length; i++) {
            byte[] bad = good.clone();
            bad[i] ^= 1 << i % 8;
            Files.write(file("/d"), bad);
            long before = corrupt();
            assertNull(entries.find("/d"), "byte " + i);
            assertEquals(1, corrupt() - before);
            assertFalse(Files.exists(file("/d")), "byte " + i);
        }
        for (int length = 0; length < good.length; length++) {
            Files.write(file("/d"), Arrays.copyOf(good, length));
            assertNull(entries.find("/d"), "cut to " + length);
            assertTrue(length == 0 || !Files.exists(file("/d")), "cut to " + length);
        }
        Files.write(file("/d"), Arrays.copyOf(good, good.length + 1));
        assertNull(entries.find("/d"));
        Files.write(file("/d"), good);
        assertEquals(2, entries.find("/d").size());
    }

    /** A collision of names, which the next to publish ends. */
    @Test
    void anEntryOfAnotherDirectoryIsAMissAndStays() throws Exception {
        keep(listing("/a/d", 0, "x"));
        Files.createDirectories(file("/b/d").getParent());
        Files.copy(file("/a/d"), file("/b/d"));
        long before = corrupt();
        assertNull(entries.find("/b/d"));
        assertEquals(1, corrupt() - before);
        assertTrue(Files.exists(file("/b/d")));
        keep(listing("/b/d", 0, "y"));
        assertEquals(Collections.singletonList("y"), entries.find("/b/d").names());
    }

    /** Whoever shares a root can write what its checksums confirm. */
    @Test
    void dataThatMeansNothingIsAMiss() throws Exception {
        byte[] data = ListingFormat.data(listing("/d", 0, "x", "directory", "z").withOwn(status("", 9)), boot());
        Random random = new Random(11);
        for (int i = 0; i < 10_000; i++) {
            byte[] bad = Arrays.copyOf(data, random.nextInt(4) == 0 ? 1 + random.nextInt(data.length) : data.length);
            for (int n = random.nextInt(4); n >= 0; n--) {
                bad[random.nextInt(bad.length)] = (byte) (random.nextBoolean() ? random.nextInt() : -1);
            }
            byte[] trailer = BlockFormat.trailer(bad, format("/d").identity, 0, format("/d").number);
            byte[] file = Arrays.copyOf(bad, bad.length + trailer.length);
            System.arraycopy(trailer, 0, file, bad.length, trailer.length);
            try {
                Listing read = format("/d").parse(file, "/d", boot());
                if (read != null) {
                    assertEquals(read.size(), read.statuses(i % 64 == 0).length);
                }
            } catch (BlockFormat.Rejected expected) {
                assertTrue(expected.unlink);
            }
        }
    }

    @Test
    void whatIsInAFilesPlaceIsAMiss() throws Exception {
        Files.createDirectories(file("/d").resolve("sub"));
        assertNull(entries.find("/d"));
        assertFalse(tier.breaker.isOff());
        Files.createDirectories(file("/e/f").getParent().getParent());
        Files.write(file("/e/f").getParent(), new byte[3]);
        assertNull(entries.find("/e/f"));
        entries.drop("/e/f");
        assertFalse(tier.breaker.isOff());
    }

    @Test
    void nothingIsUsedOrKeptThatWasAskedForBeforeAChangeEnded() {
        String uri = "hdfs://" + AUTHORITY + "/m/d";
        List<String> parents = Collections.singletonList("hdfs://" + AUTHORITY + "/m");
        for (String path : new String[] {"/m", "/m/d", "/m/d/e", "/m/f", "/"}) {
            keep(listing(path, 0));
        }
        Listing during = listing("/m/d/e", 0, "x");
        Mutations.begin(uri, parents);
        for (String path : new String[] {"/m", "/m/d", "/m/d/e"}) {
            assertNull(entries.find(path), path);
        }
        keep(listing("/m/d/g", 0));
        assertFalse(Files.exists(file("/m/d/g")), "the change has not ended");
        assertNotNull(entries.find("/m/f"));
        assertNotNull(entries.find("/"));
        Mutations.end(uri, parents);
        keep(during);
        assertNull(entries.find("/m/d/e"));
        assertNull(entries.find("/m"));
        for (String path : new String[] {"/m", "/m/d", "/m/d/e"}) {
            keep(listing(path, 0));
            assertNotNull(entries.find(path), path);
        }
    }

    @Test
    void aChangeIsSeenAboveAndBelowIt() {
        String base = "hdfs://" + AUTHORITY + "/touched";
        long before = System.nanoTime();
        Mutations.begin(base + "/d", Collections.emptyList());
        assertTrue(Mutations.touch(base, System.nanoTime()), "under way");
        Mutations.end(base + "/d", Collections.emptyList());
        for (String path : new String[] {"", "/d", "/d/e"}) {
            assertTrue(Mutations.touch(base + path, before), path);
            assertFalse(Mutations.touch(base + path, System.nanoTime()), path);
        }
        for (String path : new String[] {"/c", "/d2", "/d.x/y"}) {
            assertFalse(Mutations.touch(base + path, before), path);
        }
    }

    /** More than are told apart: then all that was asked for before is taken for changed. */
    @Test
    void manyChangesAreNotForgotten() {
        long before = System.nanoTime();
        for (int i = 0; i < 25_000; i++) {
            String uri = "hdfs://" + AUTHORITY + "/many/" + i;
            Mutations.begin(uri, Collections.singletonList("hdfs://" + AUTHORITY + "/many"));
            Mutations.end(uri, Collections.singletonList("hdfs://" + AUTHORITY + "/many"));
        }
        for (int i = 0; i < 25_000; i += 1000) {
            assertTrue(Mutations.hide("hdfs://" + AUTHORITY + "/many/" + i, before), "change " + i);
        }
        assertTrue(Mutations.hide("hdfs://" + AUTHORITY + "/many", before));
        long after = System.nanoTime();
        assertFalse(Mutations.hide("hdfs://" + AUTHORITY + "/many", after));
        assertFalse(Mutations.touch("hdfs://" + AUTHORITY + "/many", after));
    }

    /** Among blocks, in a tier that holds too little, above another one. */
    @Test
    void entriesAreCountedEvictedAndAgedLikeBlocks(@TempDir Path other) throws Exception {
        tier = Tiers.make(root, 4 * MIB, 0);
        tier.below = Tiers.make(other, 100 * MIB, 0);
        Tiers.fill(tier, 0, 20);
        long before = Stats.get(Stats.Counter.EVICTED_BLOCKS);
        for (int i = 0; i < 2000; i++) {
            keep(listing("/p/" + i, 0, "x"));
        }
        long held = Tiers.held(tier);
        assertTrue(held < 6 * MIB, "holds " + held);
        assertTrue(Stats.get(Stats.Counter.EVICTED_BLOCKS) - before > 500, "evicted too few");
        int found = 0;
        for (int i = 0; i < 2000; i++) {
            found += entries.find("/p/" + i) == null ? 0 : 1;
        }
        assertTrue(found > 200 && found < 1600, found + " are left");
        // What went down is the file as it was.
        for (Path file : Trees.blocks(other)) {
            assertTrue(Files.size(file) > 0);
        }
        assertTrue(Trees.blocks(other).size() > 500);
        assertEquals(held, Counting.of(root).bytes);
    }

    @Test
    void upkeepRemovesAgedEntries() throws Exception {
        tier = Tiers.make(root, 100 * MIB, 3_600_000);
        keep(listing("/old", 0));
        keep(listing("/young", 0));
        long now = System.currentTimeMillis();
        Tiers.times(file("/old"), now - 7_200_000, now - 7_200_000);
        Tiers.times(root.resolve("upkeep"), now - 7_200_000, now - 7_200_000);
        Tiers.fill(tier, 0, 40);
        Tiers.quiesce();
        assertFalse(Files.exists(file("/old")));
        assertNotNull(entries.find("/young"));
    }

    /** Whoever lists is not to wait for a disk, nor to run out of memory for it. */
    @Test
    void whatDoesNotFitTheQueueIsNotKept() throws Exception {
        List<HdfsFileStatus> children = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            children.add(status("part-" + i, i + 1));
        }
        Object gate = new Object();
        synchronized (gate) {
            Workers.keep(() -> {
                synchronized (gate) {
                    gate.notifyAll();
                }
            });
            for (int i = 0; i < 100; i++) {
                entries.keep(Listing.of("/large/" + i, null, children, System.nanoTime(), System.currentTimeMillis(),
                    20));
            }
        }
        Tiers.quiesce();
        int kept = Trees.blocks(root).size();
        assertTrue(kept > 20 && kept < 60, kept + " were kept");
        keep(listing("/large/after", 0));
        assertNotNull(entries.find("/large/after"));
    }

    @Test
    void aRootThatCannotBeUsedKeepsNothing() {
        Entries none = new Entries(AUTHORITY, SHARED, FRESH, () -> null);
        none.keep(listing("/d", 0));
        Tiers.quiesce();
        assertNull(none.find("/d"));
        none.drop("/d");
    }
}

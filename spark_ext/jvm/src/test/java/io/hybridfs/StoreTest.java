package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.Collections;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreTest {
    private static final int BLOCK = 64 << 10;
    private static final long LENGTH = 3 * BLOCK + 100;
    private static final Layout LAYOUT = new Layout("hdfs-a", "hdfs://a/f", "17", LENGTH, BLOCK);

    private static Tier tier(Path root, long budget) throws Exception {
        return new Tier(root.resolve("cache"), budget, 0, 0, false, Modes.ofRoot(root.resolve("cache")));
    }

    private static byte[] data(long block) {
        return GoldenMaker.bytes(block * BLOCK, LAYOUT.dataLength(block));
    }

    private static boolean publish(Tier tier, Layout layout, long validator, long block) {
        byte[] data = GoldenMaker.bytes(block * BLOCK, layout.dataLength(block));
        return Tiers.publish(tier, layout, validator, block, data) == null;
    }

    /** The data, or null when it is no hit; never anything else. */
    private static byte[] read(Tier tier, Layout layout, long validator, long block) {
        CachedBlock found = tier.find(layout, validator, block, new Reasons());
        if (found == null) {
            return null;
        }
        try (CachedBlock open = found) {
            byte[] data = new byte[open.length];
            open.read(0, ByteBuffer.wrap(data));
            return data;
        } catch (IOException e) {
            tier.unreadable(found.path, e);
            return null;
        }
    }

    @Test
    void everyFlippedBitAndEveryTruncationIsAMiss(@TempDir Path root) throws Exception {
        Tier tier = tier(root, 1 << 30);
        Random random = new Random(7);
        long block = 3;
        for (int round = 0; round < 400; round++) {
            assertTrue(publish(tier, LAYOUT, 5, block));
            Path file = tier.dir.resolve(LAYOUT.path(block));
            byte[] content = Files.readAllBytes(file);
            if (round % 4 == 0) {
                Files.write(file, Arrays.copyOf(content, random.nextInt(content.length)));
            } else if (round % 4 == 1) {
                Files.write(file, Arrays.copyOf(content, content.length + 1 + random.nextInt(9)));
            } else {
                int at = random.nextInt(content.length);
                content[at] ^= (byte) (1 << random.nextInt(8));
                Files.write(file, content);
            }
            long corrupt = Stats.get(Stats.Counter.CORRUPT);
            assertNull(read(tier, LAYOUT, 5, block), "round " + round);
            assertEquals(corrupt + 1, Stats.get(Stats.Counter.CORRUPT));
        }
    }

    @Test
    void everySingleByteOfATrailerCounts(@TempDir Path root) throws Exception {
        Tier tier = tier(root, 1 << 30);
        assertTrue(publish(tier, LAYOUT, 5, 3));
        Path file = tier.dir.resolve(LAYOUT.path(3));
        byte[] content = Files.readAllBytes(file);
        for (int at = 100; at < content.length; at++) {
            byte[] bad = content.clone();
            bad[at] ^= 1;
            Files.write(file, bad);
            assertNull(read(tier, LAYOUT, 5, 3), "byte " + at);
        }
    }

    @Test
    void oneDamagedChunkLeavesTheOthersReadable(@TempDir Path root) throws Exception {
        Tier tier = tier(root, 1 << 30);
        Layout large = new Layout("hdfs-a", "hdfs://a/large", "17", 1 << 20, 1 << 20);
        byte[] data = GoldenMaker.bytes(0, 1 << 20);
        assertNull(Tiers.publish(tier, large, 0, 0, data));
        Path file = tier.dir.resolve(large.path(0));
        byte[] content = Files.readAllBytes(file);
        content[500_000] ^= 1;
        Files.write(file, content);
        try (CachedBlock found = tier.find(large, 0, 0, new Reasons())) {
            ByteBuffer into = ByteBuffer.allocateDirect(400_000);
            found.read(33, into);
            into.flip();
            byte[] read = new byte[400_000];
            into.get(read);
            assertArrayEquals(Arrays.copyOfRange(data, 33, 400_033), read);
            assertThrows(BlockFormat.Rejected.class, () -> found.read(460_000, ByteBuffer.allocate(100_000)));
        }
    }

    @Test
    void anotherVersionIsNoHit(@TempDir Path root) throws Exception {
        Tier tier = tier(root, 1 << 30);
        assertTrue(publish(tier, LAYOUT, 5, 0));
        assertNull(read(tier, new Layout("hdfs-a", "hdfs://a/f", "18", LENGTH, BLOCK), 5, 0));
        assertNull(read(tier, new Layout("hdfs-a", "hdfs://a/f", "17", LENGTH + 1, BLOCK), 5, 0));
        assertArrayEquals(data(0), read(tier, LAYOUT, 0, 0));
        long changed = Stats.get(Stats.Counter.VERSION_CHANGED);
        assertNull(read(tier, LAYOUT, 6, 0));
        assertEquals(changed + 1, Stats.get(Stats.Counter.VERSION_CHANGED));
        assertNull(read(tier, LAYOUT, 5, 0), "unlinked");
    }

    @Test
    void aCollisionOfNamesIsAMissAndStays(@TempDir Path root) throws Exception {
        Tier tier = tier(root, 1 << 30);
        Layout other = new Layout("hdfs-a", "hdfs://a/g", "17", LENGTH, BLOCK);
        assertTrue(publish(tier, other, 5, 0));
        Path wrong = tier.dir.resolve(LAYOUT.path(0));
        Files.createDirectories(wrong.getParent());
        Files.copy(tier.dir.resolve(other.path(0)), wrong);
        assertNull(read(tier, LAYOUT, 5, 0));
        assertTrue(Files.exists(wrong));
    }

    @Test
    void theBudgetHoldsAndReusedBlocksAreSparedOnce(@TempDir Path root) throws Exception {
        long budget = 8 << 20;
        Tier tier = tier(root, budget);
        Layout hot = new Layout("hdfs-a", "hdfs://a/hot", "1", 60 * BLOCK, BLOCK);
        for (long block = 0; block < 60; block++) {
            assertTrue(publish(tier, hot, 0, block));
            Path file = tier.dir.resolve(hot.path(block));
            // Read after it was published, by a clock that the test does not wait for.
            Files.getFileAttributeView(file, BasicFileAttributeView.class).setTimes(FileTime.fromMillis(1_000_000),
                FileTime.fromMillis(2_000_000), null);
        }
        Layout scan = new Layout("hdfs-a", "hdfs://a/scan", "1", 4000L * BLOCK, BLOCK);
        long evicted = Stats.get(Stats.Counter.EVICTED_BLOCKS);
        long next = 0;
        while (Stats.get(Stats.Counter.EVICTED_BLOCKS) == evicted) {
            assertTrue(next < 100, "nothing is evicted");
            assertTrue(publish(tier, scan, 0, next++));
        }
        long kept = Trees.blocks(tier.dir).stream().filter(p -> p.toString().contains(hot.name(0))).count();
        assertTrue(kept >= 50, "what was read is mostly spared, but only " + kept + " of 60 were");
        for (long block = next; block < 1000; block++) {
            assertTrue(publish(tier, scan, 0, block));
            if (block % 50 == 0) {
                long bytes = 0;
                for (Path file : Trees.blocks(tier.dir)) {
                    bytes += Accounting.onDisk(Files.size(file));
                }
                assertTrue(bytes <= budget + (2 << 20), "holds " + bytes);
            }
        }
        assertTrue(tier.accounting.total() <= budget + (2 << 20));
    }

    private static Store twoTiers(Path upper, String budget, Path lower) {
        Configuration conf = new Configuration(false);
        conf.set(Options.CACHE_DIR, upper.toString());
        conf.set(Options.BLOCK_SIZE, "64KiB");
        conf.set(Options.MIN_FREE, "0");
        conf.set(Options.DISK, upper + "=" + budget + "," + lower + "=1GiB");
        return Store.of(new Options(conf));
    }

    @Test
    void evictionDemotesAndReuseBelowPromotes(@TempDir Path dir) throws Exception {
        Path upper = dir.resolve("upper");
        Path lower = dir.resolve("lower");
        Store store = twoTiers(upper, "2MiB", lower);
        Layout layout = new Layout("hdfs-a", "hdfs://a/d", "1", 100L * BLOCK, BLOCK);
        long demoted = Stats.get(Stats.Counter.DEMOTED_BLOCKS);
        for (long block = 0; block < 100; block++) {
            store.publish(layout, 0, block, GoldenMaker.bytes(block * BLOCK, BLOCK), 0);
        }
        assertEquals(100 - Trees.blocks(upper).size(), Stats.get(Stats.Counter.DEMOTED_BLOCKS) - demoted);
        assertTrue(Tiers.held(upper) <= 4 << 20, "holds " + Tiers.held(upper));
        byte[] into = new byte[BLOCK];
        for (long block = 0; block < 100; block++) {
            assertTrue(store.read(layout, 0, block, into, 0, new Reasons()), "block " + block);
            assertArrayEquals(GoldenMaker.bytes(block * BLOCK, BLOCK), into);
        }
        Path below = Trees.blocks(lower).get(0);
        Path above = upper.resolve(lower.relativize(below));
        assertFalse(Files.exists(above));
        Files.getFileAttributeView(below, BasicFileAttributeView.class).setTimes(FileTime.fromMillis(1_000_000),
            FileTime.fromMillis(2_000_000), null);
        long promoted = Stats.get(Stats.Counter.PROMOTED_BLOCKS);
        long evicted = Stats.get(Stats.Counter.EVICTED_BLOCKS);
        long block = Long.parseLong(below.getFileName().toString());
        assertTrue(store.read(layout, 0, block, into, 0, new Reasons()));
        Workers.quiesce();
        assertEquals(promoted + 1, Stats.get(Stats.Counter.PROMOTED_BLOCKS));
        assertTrue(Files.exists(above) || Stats.get(Stats.Counter.EVICTED_BLOCKS) > evicted);
    }

    /** A reader that knows a validator must not vouch for a block whose publisher knew none. */
    @Test
    void promotionCopiesTheFileAsItIs(@TempDir Path dir) throws Exception {
        Path upper = dir.resolve("upper");
        Path lower = dir.resolve("lower");
        Store store = twoTiers(upper, "1GiB", lower);
        Tier below = new Tier(lower, 1 << 30, 0, 0, false, Modes.ofRoot(lower));
        byte[] into = new byte[BLOCK];
        for (long block = 0; block < 4; block++) {
            assertTrue(publish(below, LAYOUT, 0, block));
            Path file = lower.resolve(LAYOUT.path(block));
            Files.getFileAttributeView(file, BasicFileAttributeView.class).setTimes(FileTime.fromMillis(1_000_000),
                FileTime.fromMillis(2_000_000), null);
            byte[] content = Files.readAllBytes(file);
            assertTrue(store.read(LAYOUT, 6, block, into, 0, new Reasons()));
            Workers.quiesce();
            assertArrayEquals(content, Files.readAllBytes(upper.resolve(LAYOUT.path(block))));
        }
        assertTrue(store.read(LAYOUT, 5, 0, into, 0, new Reasons()), "the validator is as unknown as it was");
    }

    @Test
    void aTierFarAboveItsBudgetTakesNothingBeforeItEvicted(@TempDir Path root) throws Exception {
        Tier tier = tier(root, 4 << 20);
        assertTrue(publish(tier, LAYOUT, 0, 0));
        Tier above = new Tier(root.resolve("above"), 1 << 30, 0, 0, false, Modes.ofRoot(root.resolve("above")));
        assertTrue(publish(above, LAYOUT, 0, 1));
        byte[] marks = new byte[7];
        try (LockFile.Held evictor = tier.lock.tryLock(LockFile.EVICTOR)) {
            assertNotNull(evictor);
            Files.write(tier.dir.resolve("published"), marks);
            byte[] data = data(2);
            assertEquals(Miss.NO_SPACE, Tiers.publish(tier, LAYOUT, 0, 2, data));
            assertFalse(tier.takeOver(above.dir.resolve(LAYOUT.path(1)), above.dir));
            assertEquals(1, Trees.blocks(tier.dir).size());
        }
        // This one asks for eviction, which finds that the tier holds little: then there is room.
        assertTrue(publish(tier, LAYOUT, 0, 2));
    }

    /** Two disk tiers; the block goes to the second when the first is full, or failed. */
    @Test
    void theNextDiskTierTakesWhatTheFirstDoesNot(@TempDir Path dir) throws Exception {
        Path first = dir.resolve("first");
        Path second = dir.resolve("second");
        Store store = twoTiers(first, "1MiB", second);
        byte[] data = data(0);
        LockFile.Held evictor = LockFile.of(first, Modes.ofRoot(first)).tryLock(LockFile.EVICTOR);
        Files.write(first.resolve("published"), new byte[9]);
        assertNull(store.publish(LAYOUT, 0, 0, data, 0));
        evictor.close();
        assertEquals(0, Trees.blocks(first).size());
        assertEquals(1, Trees.blocks(second).size());
        Files.delete(first.resolve("published"));
        Trees.delete(first.resolve("v1/tmp"));
        Files.createFile(first.resolve("v1/tmp"));
        assertNull(store.publish(LAYOUT, 0, 1, data, 0));
        assertEquals(2, Trees.blocks(second).size());
        assertTrue(store.read(LAYOUT, 0, 0, new byte[BLOCK], 0, new Reasons()), "the second is still read");
        Trees.delete(second.resolve("v1/tmp"));
        Files.createFile(second.resolve("v1/tmp"));
        assertEquals(Miss.TIER_OFF, store.publish(LAYOUT, 0, 2, data, 0));
        Reasons reasons = new Reasons();
        assertFalse(store.read(LAYOUT, 0, 0, new byte[BLOCK], 0, reasons), "both failed");
        long before = Stats.get(Miss.TIER_OFF);
        reasons.count(0, null);
        assertEquals(before + 1, Stats.get(Miss.TIER_OFF));
    }

    @Test
    void aFullTierIsReadAndAFailedOneIsNot(@TempDir Path root) throws Exception {
        Tier tier = tier(root, 1 << 30);
        for (long block = 0; block < 4; block++) {
            assertTrue(publish(tier, LAYOUT, 0, block));
        }
        byte[] data = data(1);
        assertEquals(Miss.NO_SPACE, tier.fault(new IOException("Disk quota exceeded")));
        assertEquals(Miss.NO_SPACE, Tiers.publish(tier, LAYOUT, 0, 1, data));
        int kept = Trees.blocks(tier.dir).size(); // how many go hangs on the remainder that a process begins with
        assertTrue(kept > 0 && kept < 4, "a little was evicted, not " + (4 - kept) + " of 4");
        Path left = Trees.blocks(tier.dir).get(0);
        long block = Long.parseLong(left.getFileName().toString());
        assertArrayEquals(data(block), read(tier, LAYOUT, 0, block));
        assertEquals(Miss.TIER_OFF, tier.fault(new IOException("Input/output error")));
        assertEquals(Miss.TIER_OFF, Tiers.publish(tier, LAYOUT, 0, 1, data));
        assertNull(read(tier, LAYOUT, 0, block));
        assertFalse(tier.contains(LAYOUT, block));
        assertTrue(Files.exists(left));
    }

    /** Errors are told by their texts, and a path may read like one; what cannot be read is not full. */
    @Test
    void onlyWhatIsFullIsCalledFull(@TempDir Path root) throws Exception {
        Tier tier = tier(root, 1 << 30);
        IOException quota = new FileSystemException("/mnt/quota1/a", null, "Disk quota exceeded");
        IOException disk = new FileSystemException("/mnt/quota1/a", null, "Input/output error");
        assertEquals(Miss.NO_SPACE, tier.fault(quota));
        assertEquals(Miss.TIER_OFF, tier.fault(disk));
        assertEquals(Miss.TIER_OFF, tier.unreadable(root, quota));
    }

    /** Nobody waits for a block that nobody will publish. */
    @Test
    void whoeverCannotPublishNeedsNoLock(@TempDir Path dir) throws Exception {
        Configuration conf = new Configuration(false);
        conf.set(Options.CACHE_DIR, dir.toString());
        conf.set(Options.BLOCK_SIZE, "64KiB");
        conf.set(Options.MIN_FREE, "0");
        Store store = Store.of(new Options(conf));
        try (LockFile.Held another = store.tryFetch(LAYOUT, 0)) {
            assertNotNull(another);
            assertNull(store.tryFetch(LAYOUT, 0));
            Trees.delete(dir.resolve("v1/tmp"));
            Files.createFile(dir.resolve("v1/tmp"));
            assertEquals(Miss.TIER_OFF, store.publish(LAYOUT, 0, 1, data(1), 0));
            assertNotNull(store.tryFetch(LAYOUT, 0));
        }
    }

    @Test
    void whatCannotBeWrittenLeavesNoFileBehind(@TempDir Path root) throws Exception {
        Tier tier = tier(root, 1 << 30);
        Path usage = tier.dir.resolve("usage");
        Files.delete(usage);
        Files.createFile(Files.createDirectory(usage).resolve("file"));
        assertThrows(IOException.class, () -> tier.accounting.record(Usage.NONE, 0));
        assertEquals(0, tier.temporary().toFile().list().length);
        Path made = Files.createDirectory(root.resolve("made"));
        Files.setAttribute(made, "unix:mode", 0700);
        Process limited = new ProcessBuilder("sh", "-c", "ulimit -f 0; exec \"$@\"", "sh",
            System.getProperty("java.home") + "/bin/java", "-Xmx64m", "-XX:-UsePerfData", "-cp",
            System.getProperty("java.class.path"), StoreTest.class.getName(), made.toString())
            .redirectErrorStream(true).start();
        String text = new String(MiniHdfs.toEnd(limited.getInputStream()));
        assertEquals(3, limited.waitFor(), text);
        assertEquals(Collections.singletonList("v1"), Arrays.asList(made.toFile().list()), text);
    }

    /** Makes a root, in a process that may not write; exits with 3 when that fails. */
    public static void main(String[] args) {
        try {
            Root.open(Paths.get(args[0]), BLOCK);
        } catch (IOException expected) {
            System.exit(3);
        }
    }

    /** Another user's new directory gets its mode late. */
    @Test
    void inASharedRootWhatIsNotPermittedIsTriedAgain(@TempDir Path dir) throws Exception {
        int[] tries = {0};
        Action<Integer> late = () -> {
            if (++tries[0] < 3) {
                throw new AccessDeniedException("not yet");
            }
            return tries[0];
        };
        assertThrows(AccessDeniedException.class, () -> Modes.ofRoot(dir.resolve("mine")).patiently(late));
        Path shared = Files.createDirectory(dir.resolve("shared"));
        Files.setAttribute(shared, "unix:mode", 02770);
        assertEquals(3, Modes.ofRoot(shared).patiently(late));
    }

    /** What is put there instead of a block: a reader neither waits for it nor follows it. */
    @Test
    void aPipeOrALinkIsNoBlock(@TempDir Path root) throws Exception {
        Tier tier = tier(root, 1 << 30);
        assertTrue(publish(tier, LAYOUT, 0, 0));
        Path block = tier.dir.resolve(LAYOUT.path(0));
        Path elsewhere = Files.move(block, root.resolve("elsewhere"));
        Files.createSymbolicLink(block, elsewhere);
        assertNull(read(tier, LAYOUT, 0, 0));
        assertFalse(Files.exists(block, LinkOption.NOFOLLOW_LINKS));
        assertEquals(0, new ProcessBuilder("mkfifo", block.toString()).start().waitFor());
        assertNull(read(tier, LAYOUT, 0, 0));
        assertFalse(Files.exists(block, LinkOption.NOFOLLOW_LINKS));
        assertTrue(publish(tier, LAYOUT, 0, 0));
        assertArrayEquals(data(0), read(tier, LAYOUT, 0, 0));
        Files.delete(block);
        Files.createFile(Files.createDirectory(block).resolve("file"));
        assertNull(read(tier, LAYOUT, 0, 0));
        Trees.delete(block.getParent());
        Files.createFile(block.getParent());
        assertNull(read(tier, LAYOUT, 0, 0));
        assertNull(tier.breaker.closed(), "the disk is well");
    }

    @Test
    void applicationsShareTheirFills(@TempDir Path dir) throws Exception {
        Root root = Root.open(dir.resolve("cache"), BLOCK);
        Fills one = new Fills(root, 5 << 20, "etl %1");
        Fills other = new Fills(root, 5 << 20, "etl %1");
        int published = 0;
        while (one.publish(BLOCK, () -> null) == null && other.publish(BLOCK, () -> null) == null) {
            published += 2;
        }
        // Each keeps less than a MiB to itself, and begins with a part of one.
        assertTrue(published * (long) BLOCK <= 7 << 20 && published * (long) BLOCK >= 3 << 20, published + " blocks");
        assertTrue(Files.size(dir.resolve("cache/fills/etl%20%251")) >= 4);
        assertEquals(Miss.FILL_LIMIT, new Fills(root, 4 << 20, "etl %1").publish(BLOCK, () -> null));
        assertNull(new Fills(root, 5 << 20, "").publish(BLOCK, () -> null));
        assertNull(new Fills(root, 0, "etl %1").publish(BLOCK, () -> null));
    }

    @Test
    void aNamelessApplicationIsTheProcess(@TempDir Path dir) throws Exception {
        Root root = Root.open(dir.resolve("cache"), BLOCK);
        Fills one = new Fills(root, 3 * BLOCK, "");
        assertNull(one.publish(BLOCK, () -> null));
        assertEquals(Miss.NO_SPACE, one.publish(BLOCK, () -> Miss.NO_SPACE), "what is not published is not counted");
        Fills again = new Fills(root, 3 * BLOCK, "");
        assertNull(again.publish(BLOCK, () -> null));
        assertNull(again.publish(BLOCK, () -> {
            assertEquals(Miss.FILL_LIMIT, again.publish(BLOCK, () -> null), "what is under way counts");
            return null;
        }));
        assertTrue(one.spent(1));
        assertEquals(Miss.FILL_LIMIT, one.publish(1, () -> null));
        assertFalse(Files.exists(dir.resolve("cache/fills")));
    }

    @Test
    void whatIsPublishedDuringAScanStaysNoted(@TempDir Path root) throws Exception {
        Tier tier = tier(root, 1 << 30);
        Accounting accounting = tier.accounting;
        assertTrue(accounting.publish(5 << 20));
        long before = accounting.marks();
        assertEquals(5, before);
        assertTrue(accounting.publish(2 << 20));
        accounting.record(new Usage(1000, 7, 3), before);
        assertEquals(1000 + (2 << 20), accounting.total());
        assertEquals("bytes=1000\nblocks=7\nunlinked=3\n",
            new String(Files.readAllBytes(tier.dir.resolve("usage"))));
    }

    @Test
    void aLinkIsNoMemoryTier(@TempDir Path dir) throws Exception {
        Path root = dir.resolve("cache");
        Path elsewhere = Files.createDirectory(dir.resolve("elsewhere"));
        Files.setAttribute(elsewhere, "unix:mode", 0700);
        Path link = Paths.get("/dev/shm/hybridfs-" + Root.open(root, BLOCK).cacheId);
        Configuration conf = new Configuration(false);
        conf.set(Options.CACHE_DIR, root.toString());
        conf.set(Options.MEMORY, "1MiB");
        Files.createSymbolicLink(link, elsewhere);
        try {
            long faults = Stats.get(Stats.Counter.TIER_FAULTS);
            assertNotNull(Store.of(new Options(conf)));
            assertEquals(faults + 1, Stats.get(Stats.Counter.TIER_FAULTS));
            assertEquals(0, elsewhere.toFile().list().length);
        } finally {
            Files.delete(link);
        }
    }

    @Test
    void theBlockSizeBelongsToTheRoot(@TempDir Path dir) throws Exception {
        Path root = dir.resolve("cache");
        String id = Root.open(root, BLOCK).cacheId;
        assertEquals(BLOCK, Root.open(root, 0).blockSize);
        assertEquals(id, Root.open(root, 0).cacheId);
        String message = assertThrows(IllegalArgumentException.class, () -> Root.open(root, 1 << 20)).getMessage();
        assertTrue(message.contains("fs.hybridfs.block.size") && message.contains("65536"), message);
    }

    @Test
    void theRootsModeIsThePolicy(@TempDir Path dir) throws Exception {
        Tier mine = new Tier(dir.resolve("mine"), 1 << 30, 0, 0, false, Modes.ofRoot(dir.resolve("mine")));
        assertTrue(publish(mine, LAYOUT, 0, 0));
        assertEquals(0100600, mode(mine.dir.resolve(LAYOUT.path(0))));
        assertEquals(040700, mode(mine.dir.resolve(LAYOUT.path(0)).getParent()));
        Path shared = Files.createDirectory(dir.resolve("shared"));
        Files.setAttribute(shared, "unix:mode", 02770);
        Tier ours = new Tier(shared, 1 << 30, 0, 0, false, Modes.ofRoot(shared));
        assertTrue(publish(ours, LAYOUT, 0, 0));
        assertEquals(0100660, mode(ours.dir.resolve(LAYOUT.path(0))));
        assertEquals(0100660, mode(ours.dir.resolve("lock")));
        assertEquals(042770, mode(ours.dir.resolve(LAYOUT.path(0)).getParent()));
        Path open = Files.createDirectory(dir.resolve("open"));
        Files.setAttribute(open, "unix:mode", 0777);
        assertThrows(IOException.class, () -> new Tier(open, 1 << 30, 0, 0, false, Modes.ofRoot(open)));
        for (int groupWritable : new int[] {0770, 0720}) {
            Files.setAttribute(open, "unix:mode", groupWritable);
            String message = assertThrows(IOException.class, () -> Modes.ofRoot(open)).getMessage();
            assertTrue(message.contains("chmod 700 " + open + ", or 2770 to share it"), message);
        }
    }

    private static int mode(Path path) throws Exception {
        return (Integer) Files.getAttribute(path, "unix:mode");
    }

    @Test
    void locksExcludeThreadsAndProcesses(@TempDir Path dir) throws Exception {
        LockFile locks = LockFile.of(dir, Modes.ofRoot(dir.resolve("cache")));
        LockFile.Held held = locks.tryLock(1L << 33);
        assertNotNull(held);
        assertNull(locks.tryLock(1L << 33));
        Process other = new ProcessBuilder("python3", "-c",
            "import fcntl,sys\nf=open(sys.argv[1],'r+b')\n"
                + "for at in (1<<33, (1<<33)+1):\n"
                + "    try: fcntl.lockf(f, fcntl.LOCK_EX|fcntl.LOCK_NB, 1, at); print('free')\n"
                + "    except OSError: print('held')\n", dir.resolve("lock").toString()).start();
        assertEquals("held\nfree\n", new String(MiniHdfs.toEnd(other.getInputStream())));
        assertEquals(0, other.waitFor());
        held.close();
        held.close();
        LockFile.Held again = locks.tryLock(1L << 33);
        assertNotNull(again);
        again.close();
    }
}

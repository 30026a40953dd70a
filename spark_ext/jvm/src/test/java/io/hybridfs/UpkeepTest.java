package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is tidied up about once an hour (FORMAT 7 and 9). */
class UpkeepTest {
    private static final long MIB = 1 << 20;
    private static final long HOUR = TimeUnit.HOURS.toMillis(1);
    private static final long DAY = TimeUnit.DAYS.toMillis(1);

    @TempDir
    Path root;
    private final long now = System.currentTimeMillis();
    private long next;

    private void lastDone(long ago) throws IOException {
        Tiers.times(root.resolve("upkeep"), now - ago, now - ago);
    }

    /** Enough to append to {@code published}. */
    private void publishSome(Tier tier) {
        Tiers.fill(tier, next, next += 20);
        Tiers.quiesce();
    }

    /** No more than makes it do what is due. */
    private void publishUntilDone(Tier tier) {
        while (!Tiers.steps("upkeep", () -> Tiers.fill(tier, next, next + 1)).contains("upkeep.done")) {
            assertTrue(next < 1000, "it is never done");
            next++;
        }
    }

    private Path file(String name, long ago) throws IOException {
        Path file = root.resolve(name);
        Files.createDirectories(file.getParent());
        Files.write(file, new byte[5000]);
        Tiers.times(file, now - ago, now - ago);
        return file;
    }

    @Test
    void orphansGoWhenTheyAreOldAndUpkeepIsDue() throws Exception {
        Tier tier = Tiers.make(root, 100 * MIB, 0);
        Path old = file("v1/tmp/1-0123456789abcdef", HOUR + 60_000);
        Path young = file("v1/tmp/1-1123456789abcdef", HOUR - 60_000);
        Path aside = file("usage.1-0123456789abcdef", HOUR + 60_000);
        Path layout = file("v1/layout.22-0123456789abcdef", HOUR + 60_000);
        Path others = file("readme.txt", HOUR + 60_000);
        publishSome(tier);
        assertTrue(Files.exists(old), "not due: the tier is new");
        lastDone(HOUR + 60_000);
        publishSome(tier);
        assertFalse(Files.exists(old));
        assertFalse(Files.exists(aside));
        assertFalse(Files.exists(layout));
        assertTrue(Files.exists(young));
        assertTrue(Files.exists(others));
        assertTrue(Files.getLastModifiedTime(root.resolve("upkeep")).toMillis() > now - HOUR);
        assertEquals(0, Files.size(root.resolve("upkeep")));
        Path again = file("v1/tmp/1-2123456789abcdef", HOUR + 60_000);
        publishSome(tier);
        assertTrue(Files.exists(again), "it was done just now");
    }

    @Test
    void itIsDoneOnceByWhoeverHasTheEvictorsLock() throws Exception {
        Tier tier = Tiers.make(root, 100 * MIB, 0);
        lastDone(2 * HOUR);
        try (LockFile.Held evictor = tier.lock.tryLock(LockFile.EVICTOR)) {
            assertEquals(0, Tiers.steps("upkeep", () -> publishSome(tier)).size());
        }
        assertTrue(Tiers.steps("upkeep", () -> publishSome(tier)).contains("upkeep.done"));
        assertEquals(0, Tiers.steps("upkeep", () -> publishSome(tier)).size());
    }

    @Test
    void aClockThatWasSetBackOrALostFileDoesNotPutItOff() throws Exception {
        Tier tier = Tiers.make(root, 100 * MIB, 0);
        lastDone(-2 * HOUR);
        assertTrue(Tiers.steps("upkeep", () -> publishSome(tier)).contains("upkeep.done"));
        Files.delete(root.resolve("upkeep"));
        assertTrue(Tiers.steps("upkeep", () -> publishSome(tier)).contains("upkeep.done"));
        assertTrue(Files.exists(root.resolve("upkeep")));
    }

    private static void age(Path tree, long until) throws IOException {
        for (Path path : (Iterable<Path>) Files.walk(tree)::iterator) {
            Tiers.times(path, until, until);
        }
    }

    @Test
    void anOlderTreeGoesWhenNobodyTouchedItForAWeek() throws Exception {
        Tier tier = Tiers.make(root, 100 * MIB, 0);
        Path block = file("v0/hdfs-a/aa/b/0", 0);
        file("v0/hdfs-a/aa/b/1", 0);
        Path newer = file("v2/hdfs-a/aa/b/0", 30 * DAY);
        Path notATree = file("v0x/f", 30 * DAY);
        age(root.resolve("v0"), now - 6 * DAY);
        lastDone(2 * HOUR);
        publishSome(tier);
        assertTrue(Files.exists(block), "six days");
        age(root.resolve("v0"), now - 8 * DAY);
        Tiers.times(block, now - 8 * DAY, now - 6 * DAY);
        lastDone(2 * HOUR);
        publishSome(tier);
        assertTrue(Files.exists(block), "one was read");
        age(root.resolve("v0"), now - 8 * DAY);
        Files.write(root.resolve("usage"), "bytes=50000000\nblocks=700\nunlinked=5\n".getBytes());
        lastDone(2 * HOUR);
        publishUntilDone(tier);
        assertFalse(Files.exists(root.resolve("v0")));
        assertEquals(Tiers.held(tier), tier.accounting.usage().bytes);
        assertTrue(Files.exists(newer));
        assertTrue(Files.exists(notATree));
    }

    /** Whoever may write to the tier must not have others remove what is elsewhere. */
    @Test
    void linksAreNotFollowed(@TempDir Path elsewhere) throws Exception {
        Tier tier = Tiers.make(root, 100 * MIB, 0);
        Path tmp = Files.createDirectory(elsewhere.resolve("tmp"));
        Files.setAttribute(tmp, "unix:mode", 0700);
        Path file = Files.write(tmp.resolve("thesis"), new byte[9]);
        Tiers.times(file, now - 30 * DAY, now - 30 * DAY);
        Trees.delete(root.resolve("v1/tmp"));
        Files.createSymbolicLink(root.resolve("v1/tmp"), tmp);
        Files.createSymbolicLink(root.resolve("fills"), tmp);
        lastDone(2 * HOUR);
        publishUntilDone(tier);
        assertTrue(Files.exists(file));
    }

    /** What configures the tier, and not what lies in it. */
    @Test
    void theTierItselfMayBeALink(@TempDir Path other) throws Exception {
        Path link = Files.createSymbolicLink(other.resolve("link"), root);
        Tier tier = Tiers.make(link, 100 * MIB, 0);
        Path aside = file("usage.1-0123456789abcdef", HOUR + 60_000);
        file("v0/hdfs-a/aa/b/0", 0);
        age(root.resolve("v0"), now - 8 * DAY);
        lastDone(2 * HOUR);
        publishUntilDone(tier);
        assertFalse(Files.exists(aside));
        assertFalse(Files.exists(root.resolve("v0")));
    }

    @Test
    void fillsGoAfterAWeek() throws Exception {
        Tier tier = Tiers.make(root, 100 * MIB, 0);
        Path old = file("fills/a", 8 * DAY);
        Path young = file("fills/b", 6 * DAY);
        lastDone(2 * HOUR);
        publishSome(tier);
        assertFalse(Files.exists(old));
        assertTrue(Files.exists(young));
    }

    @Test
    void blocksNeitherPublishedNorReadForSoLongGo() throws Exception {
        Tier tier = Tiers.make(root, 100 * MIB, 2 * DAY);
        Tiers.fill(tier, 0, 60);
        next = 100;
        for (long number = 0; number < 60; number++) {
            // Some were read since; those of the third file are pinned.
            long read = number < 20 && number % 2 == 0 ? DAY : 3 * DAY;
            Tiers.times(Tiers.path(tier, number), now - 3 * DAY, now - read);
        }
        Files.createFile(Tiers.path(tier, 40).resolveSibling("pin." + (now / 1000 + 60)));
        Files.write(root.resolve("usage"), "bytes=9000000\nblocks=700\nunlinked=5\n".getBytes());
        lastDone(2 * HOUR);
        publishUntilDone(tier);
        for (long number = 0; number < 60; number++) {
            boolean stays = number < 20 && number % 2 == 0 || number >= 40;
            assertEquals(stays, Files.exists(Tiers.path(tier, number)), "block " + number);
        }
        assertFalse(Files.exists(Tiers.path(tier, 20).getParent()), "empty");
        int left = Trees.blocks(root).size();
        assertEquals(new Usage(left * Tiers.ON_DISK, left, 0).toString(), tier.accounting.usage().toString());
    }

    @Test
    void aShortAgeIsLookedAfterMoreOften() throws Exception {
        Tier hourly = Tiers.make(root, 100 * MIB, 0);
        Tier often = Tiers.make(root, 100 * MIB, 40 * 60_000);
        lastDone(11 * 60_000);
        assertEquals(0, Tiers.steps("upkeep", () -> publishSome(hourly)).size());
        assertTrue(Tiers.steps("upkeep", () -> publishSome(often)).contains("upkeep.done"));
    }

    @Test
    void theMemoryTierHasItsOwn() throws Exception {
        Path shared = Paths.get("/dev/shm/hybridfs-upkeep-" + ProcessInfo.uniqueName());
        try {
            Tier tier = new Tier(shared, 100 * MIB, 0, 0, true, Modes.ofRoot(shared));
            Tiers.times(shared.resolve("upkeep"), now - 2 * HOUR, now - 2 * HOUR);
            assertTrue(Tiers.steps("upkeep", () -> publishSome(tier)).contains("upkeep.done"));
        } finally {
            Trees.delete(shared);
        }
    }
}

package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Eviction by sampling, its accounting and pins (FORMAT 7). */
class EvictorTest {
    private static final long MIB = 1 << 20;

    @TempDir
    Path root;

    private static Usage usage(Tier tier) throws IOException {
        return tier.accounting.usage();
    }

    private static long evicted() {
        return Stats.get(Stats.Counter.EVICTED_BLOCKS);
    }

    /** Every {@code marked}-th block is read before each eviction; 0 = none. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void aBlockUnlinkedCostsAtMostFourLooks(int marked) throws Exception {
        Tier tier = Tiers.make(root, 15 * MIB, 0);
        long before = evicted();
        List<String> looks = new ArrayList<>();
        for (int round = 0; round < 20; round++) {
            long from = round * 60L;
            looks.addAll(Tiers.steps("", () -> Tiers.fill(tier, from, from + 60)));
            int number = 0;
            for (Path block : marked == 0 ? Collections.<Path>emptyList() : Trees.blocks(tier.dir)) {
                if (number++ % marked == 0) {
                    Tiers.mark(block);
                }
            }
            assertTrue(Tiers.held(tier) <= 17 * MIB, "holds " + Tiers.held(tier));
        }
        long unlinked = evicted() - before;
        long sampled = Collections.frequency(looks, "evict.look");
        long counted = Collections.frequency(looks, "count.look");
        assertTrue(unlinked > 800, "only " + unlinked + " were evicted");
        assertTrue(counted > 200, "only " + counted + " were counted");
        assertTrue(sampled <= 3 * unlinked + 2, sampled + " looked at, " + unlinked + " unlinked");
        assertTrue(sampled + counted <= 4 * unlinked, sampled + " + " + counted + " looks, " + unlinked + " unlinked");
    }

    @Test
    void whatWasReadIsSpared() throws Exception {
        Tier tier = Tiers.make(root, 8 * MIB, 0);
        Tiers.fill(tier, 0, 60);
        for (long hot = 0; hot < 60; hot++) {
            Tiers.mark(Tiers.path(tier, hot));
        }
        long before = evicted();
        long next = 60;
        while (evicted() == before) {
            assertTrue(next < 200, "nothing is evicted");
            Tiers.fill(tier, next, ++next);
        }
        long kept = 0;
        long unmarked = 0;
        for (long hot = 0; hot < 60; hot++) {
            Path block = Tiers.path(tier, hot);
            kept += Files.exists(block) ? 1 : 0;
            unmarked += Files.exists(block)
                && !AccessTimes.marked(Files.readAttributes(block, BasicFileAttributes.class)) ? 1 : 0;
        }
        assertTrue(kept >= 48, kept + " of 60 are left");
        assertTrue(unmarked <= 2 * (evicted() - before), unmarked + " lost their mark");
    }

    @Test
    void aNewTierHasNothingToCount() throws Exception {
        Tier tier = Tiers.make(root, 4 * MIB, 0);
        assertEquals("bytes=0\nblocks=0\nunlinked=0\n", usage(tier).toString());
        List<String> steps = Tiers.steps("", () -> Tiers.fill(tier, 0, 80));
        assertTrue(steps.contains("evict.unlink"));
        assertFalse(steps.contains("count.look"));
        assertTrue(usage(tier).blocks >= 60, usage(tier).toString());
        assertTrue(usage(tier).unlinked > 0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "bytes=1\n", "bytes=1\nblocks=x\nunlinked=0\n", "bytes=-5\nblocks=1\nunlinked=0\n",
        "bytes=99999999999999999999\nblocks=1\nunlinked=0\n", "missing", "pipe"})
    void whatIsNotKnownIsCounted(String text) throws Exception {
        Tier tier = Tiers.make(root, 100 * MIB, 0);
        Tiers.fill(tier, 0, 40);
        Path usage = root.resolve("usage");
        if (text.equals("missing") || text.equals("pipe")) {
            Files.delete(usage);
        }
        if (text.equals("pipe")) {
            assertEquals(0, new ProcessBuilder("mkfifo", usage.toString()).start().waitFor());
        } else if (!text.equals("missing")) {
            Files.write(usage, text.getBytes(StandardCharsets.US_ASCII));
        }
        Path old = Files.createDirectories(root.resolve("v0/a")).resolve("block");
        Files.write(old, new byte[10_000]);
        // However much room the budget leaves.
        List<String> steps = Tiers.steps("", () -> Evictor.makeRoom(tier));
        assertEquals(40, Collections.frequency(steps, "count.look"));
        assertEquals(40, usage(tier).blocks);
        assertEquals(40 * Tiers.ON_DISK + 12_288, usage(tier).bytes);
        assertNull(tier.breaker.closed());
        Tier tight = new Tier(root, MIB, 0, 0, false, tier.modes);
        Evictor.makeRoom(tight);
        assertEquals(Tiers.held(tight) + 12_288, usage(tight).bytes);
        assertTrue(usage(tight).bytes <= MIB);
        assertEquals(40 - Trees.blocks(root).size(), usage(tight).unlinked);
    }

    @Test
    void asManyUnlinkedAsWereCountedAreCountedAgain() throws Exception {
        Tier tier = Tiers.make(root, 100 * MIB, 0);
        Tiers.fill(tier, 0, 40);
        Files.write(root.resolve("usage"), "bytes=0\nblocks=7\nunlinked=7\n".getBytes(StandardCharsets.US_ASCII));
        Tier tight = new Tier(root, MIB, 0, 0, false, tier.modes);
        assertEquals(40, Tiers.steps("count", () -> Evictor.makeRoom(tight)).size());
        assertEquals(40, usage(tight).blocks);
        assertEquals(40 - Trees.blocks(root).size(), usage(tight).unlinked);
    }

    /** The accounting may be far off: what nothing is left of has been counted. */
    @Test
    void aTierThatHoldsLessThanIsToldIsNotOverfullForEver() throws Exception {
        Tier tier = Tiers.make(root, 2 * MIB, 0);
        Tiers.fill(tier, 0, 2);
        Files.write(root.resolve("usage"), "bytes=900000000\nblocks=9000\nunlinked=1\n".getBytes());
        assertNull(Tiers.publish(tier, 2));
        assertEquals(0, usage(tier).bytes, "counted when nothing was left, before this block came");
        assertNull(Tiers.publish(tier, 3));
    }

    private Path pin(Tier tier, long number, long expiry) throws IOException {
        return Files.write(Tiers.path(tier, number).resolveSibling("pin." + expiry), "me, for a while".getBytes());
    }

    @Test
    void pinsKeepTheirRegionUntilTheyExpire() throws Exception {
        Tier tier = Tiers.make(root, 10 * MIB, 0);
        Tiers.fill(tier, 0, 60);
        long now = System.currentTimeMillis() / 1000;
        Path valid = pin(tier, 0, now + 3600);
        Path expired = pin(tier, 20, now - 1);
        Path another = pin(tier, 0, now - 1);
        Tiers.fill(tier, 60, 500);
        for (long pinned = 0; pinned < 20; pinned++) {
            assertTrue(Files.exists(Tiers.path(tier, pinned)), "block " + pinned);
        }
        assertTrue(Files.exists(valid));
        assertFalse(Files.exists(expired));
        assertFalse(Files.exists(another));
        long left = 0;
        for (long unpinned = 20; unpinned < 40; unpinned++) {
            left += Files.exists(Tiers.path(tier, unpinned)) ? 1 : 0;
        }
        assertTrue(left < 5, left + " blocks of the expired pin are left");
        assertTrue(Tiers.held(tier) <= 12 * MIB);
    }

    /** Pinned before they are there. */
    private int publishPinned(Tier tier) throws IOException {
        int number = 0;
        while (number < 200) {
            if (number % 20 == 0) {
                Files.createDirectories(Tiers.path(tier, number).getParent());
                pin(tier, number, 999_999_999_999_999_999L);
            }
            if (Tiers.publish(tier, number) != null) {
                break;
            }
            number++;
        }
        return number;
    }

    @Test
    void aTierFullOfPinnedBlocksIsClosedForAWhile() throws Exception {
        Tier tier = Tiers.make(root, 2 * MIB, 0);
        int number = publishPinned(tier);
        assertTrue(number < 80, "it takes " + number);
        assertEquals(Miss.NO_SPACE, tier.breaker.closed());
        assertEquals(number, Trees.blocks(root).size());
        assertEquals(Collections.emptyList(), Tiers.steps("", () -> Tiers.publish(tier, 20)));
    }

    /** It would cost as many looks as there are blocks, every half minute. */
    @Test
    void whatCannotBeReachedIsNotCountedEachTime() throws Exception {
        Tier tier = Tiers.make(root, 2 * MIB, 0);
        publishPinned(tier);
        Tier another = Tiers.make(root, 2 * MIB, 0);
        assertTrue(Tiers.steps("count", () -> Evictor.makeRoom(another)).size() > 20);
        assertEquals(Collections.singletonList("evict.begin"), Tiers.steps("", () -> Evictor.makeRoom(another)));
    }

    /** A run of 19 digits is no time. */
    @Test
    void aPinHasAtMostEighteenDigits() throws Exception {
        Tier tier = Tiers.make(root, 100 * MIB, 0);
        Tiers.fill(tier, 0, 40);
        pin(tier, 0, Long.MAX_VALUE);
        pin(tier, 20, 999_999_999_999_999_999L);
        assertFalse(Regions.read(Tiers.path(tier, 0).getParent()).isPinned());
        assertTrue(Regions.read(Tiers.path(tier, 20).getParent()).isPinned());
    }

    /** Passes after the first write no less. */
    @Test
    void whatIsToldStaysWhatIsHeld() throws Exception {
        Tier tier = Tiers.make(root, 40 * MIB, 0);
        for (long from = 0; from < 3000; from += 100) {
            Tiers.fill(tier, from, from + 100);
            for (Path block : Trees.blocks(root)) {
                Tiers.mark(block);
            }
            long off = tier.accounting.total() - Tiers.held(tier);
            assertTrue(Math.abs(off) <= 2 * MIB, off + " bytes too many are told");
        }
    }

    /** Whoever may write to the tier must not have others remove what is elsewhere. */
    @Test
    void linksAreNotFollowed(@TempDir Path elsewhere) throws Exception {
        Tier tier = Tiers.make(root, 100 * MIB, 0);
        Tiers.fill(tier, 0, 20);
        Path file = Files.write(Files.createDirectories(elsewhere.resolve("aa/b")).resolve("0"), new byte[9]);
        Files.createSymbolicLink(root.resolve("v1/evil"), elsewhere);
        Path domain = Files.createDirectories(root.resolve("v1/hdfs-b"));
        Files.createSymbolicLink(domain.resolve("aa"), elsewhere.resolve("aa"));
        Path shard = Files.createDirectories(domain.resolve("bb"));
        Files.createSymbolicLink(shard.resolve("b"), elsewhere.resolve("aa/b"));
        // Else blocks may be left that nobody knows of: less than a MiB.
        Files.delete(root.resolve("usage"));
        Evictor.makeRoom(new Tier(root, 0, 0, 0, false, tier.modes));
        assertTrue(Files.exists(file));
        assertEquals(0, Trees.blocks(root).size());
    }

    /** Others fill the volume, and the budget is not reached: then eviction is what makes room. */
    @Test
    void aFullVolumeMakesTheEvictorFreeATwentieth() throws Exception {
        Tier tier = Tiers.make(root, 1000 * MIB, 0);
        Tiers.fill(tier, 0, 200);
        assertEquals(Miss.NO_SPACE, tier.fault(new IOException("No space left on device")));
        int left = Trees.blocks(root).size();
        assertTrue(left <= 191 && left >= 180, left + " of 200 are left");
        assertEquals(Miss.NO_SPACE, Tiers.publish(tier, 200));
        assertTrue(Files.exists(Trees.blocks(root).get(0)), "it is still read");
    }

    @Test
    void emptyDirectoriesGo() throws Exception {
        Tier tier = Tiers.make(root, 100 * MIB, 0);
        Tiers.fill(tier, 0, 60);
        // Else blocks may be left that nobody knows of: less than a MiB.
        Files.delete(root.resolve("usage"));
        Tier none = new Tier(root, 0, 0, 0, false, tier.modes);
        Evictor.makeRoom(none);
        assertEquals(0, Trees.blocks(root).size());
        assertEquals(0, root.resolve("v1/hdfs-a").toFile().list().length);
        assertEquals(0, usage(tier).bytes);
    }

    @Test
    void aVanishedBlockIsNotMadeAgain() throws Exception {
        Path block = root.resolve("block");
        AccessTimes.unmark(block);
        AccessTimes.modifyNow(block);
        assertFalse(Files.exists(block));
    }

    /** What a member of the group may do to another's block. */
    @Test
    void theModificationTimeMovesWithoutTheOwnersRights() throws Exception {
        Path file = Files.write(root.resolve("block"), GoldenMaker.bytes(0, 70_000));
        long now = System.currentTimeMillis();
        Tiers.times(file, now - 3_600_000, now - 1_000_000);
        AccessTimes.modifyNow(file);
        BasicFileAttributes is = Files.readAttributes(file, BasicFileAttributes.class);
        assertEquals(now - 1_000_000, is.lastAccessTime().toMillis());
        assertTrue(is.lastModifiedTime().toMillis() > now - 60_000, is.lastModifiedTime().toString());
        assertArrayEquals(GoldenMaker.bytes(0, 70_000), Files.readAllBytes(file));
    }
}

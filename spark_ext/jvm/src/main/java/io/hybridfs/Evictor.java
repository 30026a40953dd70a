package io.hybridfs;

import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Collections;
import java.util.concurrent.ThreadLocalRandom;

/** Keeps a tier within its budget and off its volume's floor: second chance, by sampling (FORMAT 7). */
final class Evictor {
    private static final double LOW_WATER = 0.95;
    /** Of what is held, to be freed on a volume that is full though the budget is not reached. */
    private static final double RELIEF = 0.05;
    /** What a sample is taken larger by, so that one pass mostly does. */
    private static final double MARGIN = 1.2;
    /** Unlinked blocks before it is judged whether unlinking frees space at all. */
    private static final int TRIAL = 8;
    /** Blocks that may be spared before the next one goes in any case. */
    private static final int MOST_SPARED = 2;

    private final Tier tier;
    private final boolean full;
    private final long freeBefore;
    private long held;
    /** Bytes to be freed for the budget or for relief; the floor is looked at besides. */
    private long owed;
    private long freed;
    private long unlinked;
    private long looked;
    private long seen;
    private int spared;
    private boolean done;

    private Evictor(Tier tier, boolean full) {
        this.tier = tier;
        this.full = full;
        this.freeBefore = free(tier);
    }

    /** Evicts if the tier is above its budget or below its floor, and if no other process is at it. */
    static void makeRoom(Tier tier) {
        makeRoom(tier, false);
    }

    /** {@code full}: the volume took no more, whatever the budget says. */
    static void makeRoom(Tier tier, boolean full) {
        try {
            if (!full && !needed(tier)) {
                return;
            }
            try (LockFile.Held lock = tier.lock.tryLock(LockFile.EVICTOR)) {
                if (lock != null && (full || needed(tier))) {
                    new Evictor(tier, full).run();
                }
            }
        } catch (IOException e) {
            tier.fault(e);
        }
    }

    private static boolean needed(Tier tier) throws IOException {
        return tier.accounting.total() > tier.budget || missing(tier) > 0;
    }

    /** Bytes that the volume lacks below its floor. */
    private static long missing(Tier tier) {
        return tier.minFree - free(tier);
    }

    private static long free(Tier tier) {
        // Not by Files.getFileStore, which reads the table of mounts each time.
        return tier.dir.toFile().getUsableSpace();
    }

    private void run() throws IOException {
        Steps.at("evict.begin");
        long marks = tier.accounting.marks();
        Usage known = tier.accounting.usage();
        boolean counted = known == null || known.isWorn();
        if (counted) {
            known = Counting.of(tier.dir);
        }
        held = known.bytes + (counted ? 0 : marks * Marks.UNIT);
        owed = owed();
        judge();
        try {
            if (!sample() && !counted) {
                // Less was there than was thought, or it is pinned.
                counted = true;
                known = Counting.of(tier.dir);
                held = known.bytes;
                unlinked = 0;
            }
        } catch (IOException e) {
            record(known, counted, marks);
            throw e;
        }
        record(known, counted, marks);
        if (held > tier.budget || missing(tier) > 0) {
            tier.breaker.full();
        }
        Steps.at("evict.done");
    }

    private void record(Usage known, boolean counted, long marks) throws IOException {
        long blocks = counted || known.blocks > 0 ? known.blocks : Math.max(marks, seen);
        tier.accounting.record(new Usage(Math.max(0, held), blocks, known.unlinked + unlinked), marks);
    }

    private long owed() {
        long over = held > tier.budget ? held - (long) (tier.budget * LOW_WATER) : 0;
        return Math.max(over, full ? (long) (held * RELIEF) + 1 : 0);
    }

    /** Passes over the tier until enough has gone; false when nothing is left that could go. */
    private boolean sample() throws IOException {
        Regions regions = new Regions(tier.dir);
        double share = 0;
        int idle = 0;
        while (!done) {
            double wanted = MARGIN * Math.max(owed - freed, missing(tier)) / Math.max(1, held);
            share = Math.min(1, Math.max(wanted * (looked + 1) / (unlinked + 1), 2 * share));
            long unlinkedBefore = unlinked;
            long lookedBefore = looked;
            pass(regions, share);
            idle = share == 1 && unlinked == unlinkedBefore ? idle + 1 : 0;
            if (share == 1 && looked == lookedBefore || idle > MOST_SPARED) {
                return done;
            }
        }
        return true;
    }

    private void pass(Regions regions, double share) throws IOException {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        seen = 0;
        regions.visit((region, blocks, pinned) -> {
            seen += blocks.size();
            int left = blocks.size();
            for (String block : pinned ? Collections.<String>emptyList() : blocks) {
                if (!done && random.nextDouble() < share && lookAt(region.resolve(block))) {
                    left--;
                }
            }
            if (left == 0) {
                Regions.removeIfEmpty(region);
            }
            return !done;
        });
    }

    /** Whether the block has gone. */
    private boolean lookAt(Path block) throws IOException {
        BasicFileAttributes found = Counting.look(block, "evict.look");
        if (found == null) {
            return false;
        }
        looked++;
        if (AccessTimes.marked(found) && spared < MOST_SPARED) {
            spared++;
            Steps.at("evict.spare");
            AccessTimes.unmark(block);
            return false;
        }
        spared = 0;
        evict(block, Accounting.onDisk(found.size()));
        return true;
    }

    private void evict(Path block, long size) throws IOException {
        if (tier.below != null) {
            Steps.at("evict.demote");
            if (tier.below.takeOver(block, tier.dir)) {
                Stats.count(Stats.Counter.DEMOTED_BLOCKS);
            }
        }
        Steps.at("evict.unlink");
        if (Regions.unlink(block)) {
            Stats.count(Stats.Counter.EVICTED_BLOCKS);
            unlinked++;
            freed += size;
        }
        held -= size;
        judge();
    }

    private void judge() {
        // Readers that hold the blocks open: more unlinking frees no more.
        done = freed >= owed
            && (missing(tier) <= 0 || unlinked >= TRIAL && free(tier) - freeBefore < freed / 2);
    }
}

package io.hybridfs;

import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;

/** Keeps a tier within its budget and off its volume's floor: second chance, by sampling (FORMAT 7). */
final class Evictor {
    private static final double LOW_WATER = 0.95;
    /** Of what is held, to be freed on a volume that is full though the budget is not reached. */
    private static final double RELIEF = 0.05;
    /** What a sample is taken larger by, so that one pass mostly does. */
    private static final double MARGIN = 1.2;
    private static final long MOST_SLACK = 64 << 20;
    /** Unlinked blocks before it is judged whether unlinking frees space at all. */
    private static final int TRIAL = 8;
    /** Blocks that may be spared before the next one goes in any case. */
    private static final int MOST_SPARED = 2;

    private final Tier tier;
    private final boolean full;
    private final long freeBefore;
    private Usage known;
    private boolean counted;
    /** What of {@code published} is not yet in {@code usage}, in MiB. */
    private long marks;
    private long held;
    /** Bytes to be freed for the budget or for relief; the floor is looked at besides. */
    private long owed;
    /** The free space to reach: the tier's floor, and more if it was not kept, so that not each MiB evicts again. */
    private long floor;
    private long freed;
    private long unlinked;
    private long looked;
    private long lookedBytes;
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
        marks = tier.accounting.marks();
        known = tier.accounting.usage();
        counted = known == null || known.isWorn();
        if (counted) {
            known = Counting.of(tier.dir);
        }
        held = known.bytes + (counted ? 0 : marks * Marks.UNIT);
        owed = owed();
        floor = tier.minFree + (missing(tier) > 0 ? Math.min(MOST_SLACK, held / 20) : 0);
        judge();
        boolean reached;
        try {
            reached = sample();
        } catch (IOException e) {
            record();
            throw e;
        }
        if (!reached && !counted) {
            // Less was there than was thought, or it is pinned.
            counted = true;
            known = Counting.of(tier.dir);
            held = known.bytes;
            unlinked = 0;
        }
        if (counted || marks > 0) {
            record();
        }
        if (held > tier.budget || missing(tier) > 0) {
            tier.breaker.full();
        }
        Steps.at("evict.done");
    }

    /** Who is killed later has not done it for nothing. */
    private void record() throws IOException {
        // The blocks of a tier that nobody has counted yet are told from the bytes.
        long blocks = counted || known.blocks > 0 || looked == 0 ? known.blocks
            : Math.max(1, (held + freed) / Math.max(1, lookedBytes / looked));
        tier.accounting.record(new Usage(Math.max(0, held), blocks, known.unlinked + unlinked), marks);
        marks = 0;
    }

    private long owed() {
        long over = held > tier.budget ? held - (long) (tier.budget * LOW_WATER) : 0;
        return Math.max(over, full ? (long) (held * RELIEF) + 1 : 0);
    }

    /** Passes over the tier until enough has gone; false when nothing is left that could go. */
    private boolean sample() throws IOException {
        Sampler sampler = new Sampler(tier.dir);
        double share = 0;
        int idle = 0;
        while (!done) {
            double wanted = MARGIN * Math.max(owed - freed, floor - free(tier)) / Math.max(1, held);
            share = Math.min(1, Math.max(wanted * (looked + 1) / (unlinked + 1), 2 * share));
            long unlinkedBefore = unlinked;
            long lookedBefore = looked;
            sampler.pass(share, this::take);
            idle = share == 1 && unlinked == unlinkedBefore ? idle + 1 : 0;
            if (share == 1 && looked == lookedBefore || idle > MOST_SPARED) {
                return done;
            }
        }
        return true;
    }

    private boolean take(List<Path> blocks) throws IOException {
        for (Path block : blocks) {
            if (done) {
                return false;
            }
            look(block);
        }
        record();
        return !done;
    }

    private void look(Path block) throws IOException {
        BasicFileAttributes found = Regions.look(block, "evict.look");
        if (found == null) {
            return;
        }
        looked++;
        lookedBytes += Accounting.onDisk(found.size());
        if (AccessTimes.marked(found) && spared < MOST_SPARED) {
            spared++;
            Steps.at("evict.spare");
            AccessTimes.unmark(block);
            return;
        }
        spared = 0;
        evict(block, Accounting.onDisk(found.size()));
        Regions.removeIfEmpty(block.getParent());
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
            held -= size;
        }
        judge();
    }

    private void judge() {
        // Readers that hold the blocks open: more unlinking frees no more.
        done = freed >= owed
            && (floor <= free(tier) || unlinked >= TRIAL && free(tier) - freeBefore < freed / 2);
    }
}

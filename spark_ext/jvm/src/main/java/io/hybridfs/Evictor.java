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
    /** Unlinked bytes after each of which it is judged whether unlinking frees space at all. */
    private static final long TRIAL = 16 << 20;
    /** Blocks that may be spared before the next one goes in any case. */
    private static final int MOST_SPARED = 2;

    private final Tier tier;
    private final boolean full;
    private final long freeBefore;
    private final Tally tally;
    /** Bytes to be freed for the budget or for relief; the floor is looked at besides. */
    private long owed;
    /** The free space to reach: the tier's floor, and more if it was not kept, so that not each MiB evicts again. */
    private long floor;
    private long trial = TRIAL;
    private boolean vain;
    private int spared;
    private boolean done;

    private Evictor(Tier tier, boolean full) throws IOException {
        this.tier = tier;
        this.full = full;
        this.tally = new Tally(tier);
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
        // What is not known is counted before a whole budget is filled besides.
        return tier.accounting.usage() == null || tier.accounting.total() > tier.budget || missing(tier) > 0;
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
        owed = owed();
        floor = tier.minFree + (missing(tier) > 0 ? Math.min(MOST_SLACK, tally.held() / 20) : 0);
        boolean reached;
        try {
            reached = sample();
        } finally {
            tally.record();
        }
        if (!reached && !tally.isCounted() && tier.mayRecount()) {
            tally.recount();
        }
        if (tally.held() > tier.budget || missing(tier) > 0) {
            tier.breaker.full();
        }
    }

    private long owed() {
        long held = tally.held();
        long over = held > tier.budget ? held - (long) (tier.budget * LOW_WATER) : 0;
        return Math.max(over, full ? (long) (held * RELIEF) + 1 : 0);
    }

    /** Passes over the tier until enough has gone; false when nothing is left that could go. */
    private boolean sample() throws IOException {
        Sampler sampler = new Sampler(tier.dir);
        double share = 0;
        int idle = 0;
        // Others may free what the floor lacks, while a pass finds nothing.
        for (judge(); !done; judge()) {
            double wanted = MARGIN * Math.max(owed - tally.freed(), floor - free(tier)) / Math.max(1, tally.held());
            share = Math.min(1, Math.max(wanted * (tally.looked() + 1) / (tally.unlinked() + 1), 2 * share));
            long unlinkedBefore = tally.unlinked();
            long lookedBefore = tally.looked();
            sampler.pass(share, this::take);
            idle = share == 1 && tally.unlinked() == unlinkedBefore ? idle + 1 : 0;
            if (share == 1 && tally.looked() == lookedBefore || idle > MOST_SPARED) {
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
        tally.record();
        return !done;
    }

    private void look(Path block) throws IOException {
        BasicFileAttributes found = Regions.look(block, "evict.look");
        if (found == null) {
            return;
        }
        long size = Accounting.onDisk(found.size());
        tally.look(size);
        if (AccessTimes.marked(found) && spared < MOST_SPARED) {
            spared++;
            AccessTimes.unmark(block);
            return;
        }
        spared = 0;
        evict(block, size);
        Regions.removeIfEmpty(block.getParent());
    }

    private void evict(Path block, long size) throws IOException {
        if (tier.below != null) {
            if (tier.below.takeOver(block, tier.dir)) {
                Stats.count(Stats.Counter.DEMOTED_BLOCKS);
            }
        }
        Steps.at("evict.unlink");
        if (Regions.unlink(block)) {
            Stats.count(Stats.Counter.EVICTED_BLOCKS);
            tally.unlink(size);
        }
        judge();
    }

    private void judge() {
        done = tally.freed() >= owed && (floor <= free(tier) || isVain());
    }

    /** Whether the volume gained less than half of what was unlinked: readers hold it, or others fill the volume. */
    private boolean isVain() {
        if (tally.freed() >= trial) {
            trial = tally.freed() + TRIAL;
            vain = free(tier) - freeBefore < tally.freed() / 2;
        }
        return vain;
    }
}

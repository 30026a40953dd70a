package io.hybridfs;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Chooses blocks of a tier, each with the same probability. Where all regions hold few blocks, most of them are not
 * even listed: a region is opened with a probability at which it yields about one block, and its blocks are chosen with
 * the rest.
 */
final class Sampler {
    /** What lies together was often read together, so that so many are shuffled. */
    private static final int BATCH = 1024;
    /** Regions after which their sizes are believed. */
    private static final int KNOWN = 32;

    private final Path tier;
    private long regions;
    private long blocks;
    private long squares;

    Sampler(Path tier) {
        this.tier = tier;
    }

    /** What is done with some of the chosen. */
    interface Batch {
        /** False to go no further. */
        boolean take(List<Path> blocks) throws IOException;
    }

    /** Goes over the tier once; {@code share}: the probability. */
    void pass(double share, Batch batch) throws IOException {
        List<Path> chosen = new ArrayList<>();
        for (Path shard : Regions.shards(tier)) {
            for (Path region : Regions.list(shard)) {
                choose(region, share, chosen);
            }
            if (chosen.size() >= BATCH && !take(chosen, batch)) {
                return;
            }
        }
        take(chosen, batch);
    }

    private static boolean take(List<Path> chosen, Batch batch) throws IOException {
        Collections.shuffle(chosen, ThreadLocalRandom.current());
        boolean more = batch.take(chosen);
        chosen.clear();
        return more;
    }

    private void choose(Path dir, double share, List<Path> chosen) throws IOException {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        double opens = opens(share);
        if (random.nextDouble() >= opens) {
            return;
        }
        Regions.Region region = Regions.read(dir);
        int size = region.blocks.size();
        regions++;
        blocks += size;
        squares += (long) size * size;
        for (String block : region.isPinned() ? Collections.<String>emptyList() : region.blocks) {
            if (random.nextDouble() < share / opens) {
                chosen.add(dir.resolve(block));
            }
        }
    }

    /** {@code squares / blocks}: how many blocks lie in a block's region, on average over the blocks. */
    private double opens(double share) {
        return regions < KNOWN || blocks == 0 ? 1 : Math.min(1, share * squares / blocks);
    }
}

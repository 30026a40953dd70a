package io.hybridfs;

import java.util.HashMap;
import java.util.Map;

/** Why blocks of one file version were not found, until they are counted: who finds a bad block unlinks it. */
final class Reasons {
    private final Map<Long, Miss> met = new HashMap<>();

    synchronized void note(long block, Miss why) {
        if (why != null && why != Miss.COLD) {
            met.merge(block, why, Miss::stronger);
        }
    }

    /** It was found after all. */
    synchronized void forget(long block) {
        met.remove(block);
    }

    /** Counts the reason for a block that came from the origin; {@code kept}: what kept it from the cache, or null. */
    void count(long block, Miss kept) {
        Miss noted;
        synchronized (this) {
            noted = met.remove(block);
        }
        Stats.miss(Miss.stronger(Miss.COLD, Miss.stronger(noted, kept)));
    }
}

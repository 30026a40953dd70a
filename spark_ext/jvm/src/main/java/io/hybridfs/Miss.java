package io.hybridfs;

/**
 * Why bytes came from the origin, as in Python's {@code stats.py}. Each is a counter, {@code miss_<name>}. Of the
 * first group each missed block has one (while the root cannot be used, each opened file); of the second each opened
 * file at most one.
 */
enum Miss {
    /** The group of blocks stands in ascending strength: of several reasons the strongest is counted. */
    COLD, VERSION_CHANGED, CORRUPT, LOCK_TIMEOUT, TIER_OFF, NO_SPACE, FILL_LIMIT,

    DISABLED, DENIED, ENCRYPTED, UNDER_CONSTRUCTION, TEMPORARY, EXCLUDED, TOO_LARGE, UNVERSIONED;

    /** Whether it belongs to the first group. */
    boolean ofBlocks() {
        return compareTo(DISABLED) < 0;
    }

    /** Either may be null. */
    static Miss stronger(Miss one, Miss other) {
        if (one == null || other == null) {
            return one == null ? other : one;
        }
        return one.compareTo(other) >= 0 ? one : other;
    }
}

package io.hybridfs;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.atomic.LongAdder;

/** The counters of this process. */
public final class Stats {
    /** What is counted; the names in lower case are the same in Python. */
    enum Counter {
        HIT_BLOCKS_MAP, HIT_BLOCKS_MEMORY, HIT_BLOCKS_DISK, HIT_BYTES, MISS_BLOCKS, ORIGIN_BYTES, PUBLISHED_BLOCKS,
        PUBLISHED_BYTES, EVICTED_BLOCKS, PROMOTED_BLOCKS, DEMOTED_BLOCKS, CORRUPT, VERSION_CHANGED,
        LOCK_TIMEOUTS, TIER_FAULTS, AUDIT_FAULTS, OPENS, GRANTS_REUSED,
        LISTINGS, LISTINGS_REUSED, LISTINGS_PREFETCHED, LISTING_RPCS, LISTING_RPCS_PLAIN, STATUSES_REUSED
    }

    private static final String PROCESS = UUID.randomUUID().toString();
    private static final LongAdder[] VALUES = adders(Counter.values().length);
    private static final LongAdder[] MISSES = adders(Miss.values().length);

    private Stats() {
    }

    private static LongAdder[] adders(int n) {
        LongAdder[] adders = new LongAdder[n];
        for (int i = 0; i < n; i++) {
            adders[i] = new LongAdder();
        }
        return adders;
    }

    static void add(Counter counter, long amount) {
        VALUES[counter.ordinal()].add(amount);
    }

    static void count(Counter counter) {
        add(counter, 1);
    }

    static long get(Counter counter) {
        return VALUES[counter.ordinal()].sum();
    }

    /** A block, or the open of a file that is passed through. */
    static void miss(Miss why) {
        if (why.ofBlocks()) {
            count(Counter.MISS_BLOCKS);
        }
        MISSES[why.ordinal()].increment();
    }

    static long get(Miss why) {
        return MISSES[why.ordinal()].sum();
    }

    /**
     * One JSON object: {@code host}, {@code process} (a UUID that tells processes apart), {@code pid}, every counter.
     * From SQL: {@code SELECT java_method('io.hybridfs.Stats', 'snapshot')}.
     */
    public static String snapshot() {
        StringBuilder json = new StringBuilder("{\"host\": \"").append(host())
            .append("\", \"process\": \"").append(PROCESS).append("\", \"pid\": ").append(ProcessInfo.PID);
        for (Counter counter : Counter.values()) {
            append(json, counter.name(), get(counter));
        }
        for (Miss why : Miss.values()) {
            append(json, "MISS_" + why.name(), get(why));
        }
        return json.append('}').toString();
    }

    private static void append(StringBuilder json, String name, long value) {
        json.append(", \"").append(name.toLowerCase(Locale.ROOT)).append("\": ").append(value);
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName().replaceAll("[^A-Za-z0-9._:-]", "_");
        } catch (UnknownHostException nameless) {
            return "unknown";
        }
    }
}

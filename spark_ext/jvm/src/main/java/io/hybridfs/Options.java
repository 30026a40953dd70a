package io.hybridfs;

import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;

/** The options, {@code fs.hybridfs.*} of a Hadoop configuration; any wrong one is an IllegalArgumentException. */
final class Options {
    static final String PREFIX = "fs.hybridfs.";
    static final String CACHE_DIR = PREFIX + "cache.dir";
    static final String DISK = PREFIX + "disk";
    static final String MEMORY = PREFIX + "memory";
    static final String MIN_FREE = PREFIX + "min.free";
    static final String BLOCK_SIZE = PREFIX + "block.size";
    static final String FRESHNESS = PREFIX + "freshness";
    static final String LISTINGS = PREFIX + "listings";
    static final String AUTHORIZE = PREFIX + "authorize";
    static final String USER = PREFIX + "user";
    static final String CACHE_ENCRYPTED = PREFIX + "cache.encrypted";
    static final String AUDIT = PREFIX + "audit";
    static final String ENABLED = PREFIX + "enabled";
    static final String FETCH_SIZE = PREFIX + "fetch.size";
    static final String FETCH_STREAMS = PREFIX + "fetch.streams";
    static final String READAHEAD = PREFIX + "readahead";
    static final String LOCK_TIMEOUT = PREFIX + "lock.timeout";
    static final String INCLUDE = PREFIX + "include";
    static final String EXCLUDE = PREFIX + "exclude";
    static final String MAX_FILE_SIZE = PREFIX + "max.file.size";
    static final String MAX_AGE = PREFIX + "max.age";
    static final String FILL_LIMIT = PREFIX + "fill.limit";
    static final String APPLICATION = PREFIX + "application";

    private static final List<String> KNOWN = Collections.unmodifiableList(Arrays.asList(
        CACHE_DIR, DISK, MEMORY, MIN_FREE, BLOCK_SIZE, FRESHNESS, LISTINGS, AUTHORIZE, USER, CACHE_ENCRYPTED,
        AUDIT, ENABLED, FETCH_SIZE, FETCH_STREAMS, READAHEAD, LOCK_TIMEOUT, INCLUDE, EXCLUDE, MAX_FILE_SIZE, MAX_AGE,
        FILL_LIMIT, APPLICATION));
    /** Keys of this prefix that are Hadoop's own. */
    private static final List<String> HADOOP = Arrays.asList(PREFIX + "impl", PREFIX + "impl.disable.cache");
    private static final long DEFAULT_DISK = 20L << 30;
    /** A run is one array. */
    private static final long LARGEST_FETCH = 1 << 30;
    private static final long MOST_STREAMS = 1024;

    final Path cacheDir;
    /** Disk tiers in order, first the one that is filled. */
    final List<TierSize> disk;
    /** Bytes of the memory tier, 0 = none. */
    final long memory;
    final long minFree;
    /** 0 = as the root was made, 1 MiB for a new one. */
    final int blockSize;
    final long freshnessMillis;
    final Listings.Mode listings;
    /** Whether the NameNode decides who may read only where bytes are fetched, in a domain of that user alone. */
    final boolean authorizeAtFill;
    /** The effective user's short name, empty = as Hadoop knows it. */
    final String user;
    final boolean cacheEncrypted;
    /** Null = none. */
    final Path audit;
    final boolean enabled;
    final int fetchSize;
    final int fetchStreams;
    final long readahead;
    final long lockTimeoutMillis;
    /** Empty = everything. */
    final Globs include;
    final Globs exclude;
    /** Bytes, 0 = no limit. */
    final long maxFileSize;
    /** 0 = never. */
    final long maxAgeMillis;
    /** Bytes, 0 = no limit. */
    final long fillLimit;
    /** Whose fills are added up; empty = this process. */
    final String application;

    /** A directory and its budget in bytes. */
    static final class TierSize {
        final Path dir;
        final long budget;

        TierSize(Path dir, long budget) {
            this.dir = dir;
            this.budget = budget;
        }

        @Override
        public String toString() {
            return dir + "=" + budget;
        }
    }

    Options(Configuration conf) {
        refuseUnknown(conf);
        cacheDir = directory(CACHE_DIR, get(conf, CACHE_DIR, defaultCacheDir()));
        disk = tiers(get(conf, DISK, Long.toString(DEFAULT_DISK)));
        memory = Sizes.bytes(MEMORY, get(conf, MEMORY, "0"));
        minFree = Sizes.bytes(MIN_FREE, get(conf, MIN_FREE, "1GiB"));
        blockSize = blockSize(get(conf, BLOCK_SIZE, ""));
        freshnessMillis = Sizes.millis(FRESHNESS, get(conf, FRESHNESS, "30s"));
        listings = Listings.Mode.valueOf(oneOf(LISTINGS, get(conf, LISTINGS, "validated"), "origin", "validated",
            "bounded").toUpperCase(Locale.ROOT));
        authorizeAtFill = oneOf(AUTHORIZE, get(conf, AUTHORIZE, "open"), "open", "fill").equals("fill");
        user = shortName(get(conf, USER, ""));
        cacheEncrypted = bool(CACHE_ENCRYPTED, get(conf, CACHE_ENCRYPTED, "false"));
        audit = file(get(conf, AUDIT, ""));
        enabled = bool(ENABLED, get(conf, ENABLED, "true"));
        long wanted = Sizes.bytes(FETCH_SIZE, get(conf, FETCH_SIZE, "8MiB"));
        fetchSize = (int) Math.min(LARGEST_FETCH, positive(FETCH_SIZE, wanted));
        fetchStreams = streams(get(conf, FETCH_STREAMS, "8"));
        readahead = Sizes.bytes(READAHEAD, get(conf, READAHEAD, "32MiB"));
        lockTimeoutMillis = Sizes.millis(LOCK_TIMEOUT, get(conf, LOCK_TIMEOUT, "60s"));
        include = Globs.parse(INCLUDE, get(conf, INCLUDE, ""));
        exclude = Globs.parse(EXCLUDE, get(conf, EXCLUDE, ""));
        maxFileSize = Sizes.bytes(MAX_FILE_SIZE, get(conf, MAX_FILE_SIZE, "0"));
        maxAgeMillis = Sizes.millis(MAX_AGE, get(conf, MAX_AGE, "0"));
        fillLimit = Sizes.bytes(FILL_LIMIT, get(conf, FILL_LIMIT, "0"));
        application = name(get(conf, APPLICATION, ""));
    }

    /** What makes two configurations share one store in a process. */
    String storeKey() {
        return cacheDir + "|" + disk + "|" + memory + "|" + minFree + "|" + blockSize + "|" + lockTimeoutMillis
            + "|" + maxAgeMillis + "|" + fillLimit + "|" + application;
    }

    private static String get(Configuration conf, String key, String otherwise) {
        String value = conf.getTrimmed(key, "");
        return value.isEmpty() ? otherwise : value;
    }

    private static void refuseUnknown(Configuration conf) {
        for (Map.Entry<String, String> entry : conf) {
            String key = entry.getKey();
            if (key.startsWith(PREFIX) && !KNOWN.contains(key) && !HADOOP.contains(key)) {
                throw new IllegalArgumentException("unknown option " + key + " = '" + entry.getValue()
                    + "': did you mean " + nearest(key) + "?");
            }
        }
    }

    private static String nearest(String key) {
        return Collections.min(KNOWN, (a, b) -> Integer.compare(distance(key, a), distance(key, b)));
    }

    /** Levenshtein's distance. */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int changed = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(changed, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }

    private static String defaultCacheDir() {
        String xdg = System.getenv("XDG_CACHE_HOME");
        return (xdg == null || xdg.isEmpty() ? System.getProperty("user.home") + "/.cache" : xdg) + "/hybridfs";
    }

    private static Path directory(String option, String text) {
        boolean ofHome = text.equals("~") || text.startsWith("~/");
        String expanded = ofHome ? System.getProperty("user.home") + text.substring(1) : text;
        Path path = Paths.get(expanded);
        if (!path.isAbsolute() || expanded.indexOf('\n') >= 0) {
            throw new IllegalArgumentException(option + " = '" + text
                + "' is not an absolute directory such as /mnt/nvme/hybridfs");
        }
        return path.normalize();
    }

    private List<TierSize> tiers(String text) {
        List<TierSize> tiers = new ArrayList<>();
        if (text.indexOf('=') < 0) {
            tiers.add(new TierSize(cacheDir, Sizes.bytes(DISK, text)));
            return tiers;
        }
        for (String tier : text.split(",", -1)) {
            int equals = tier.lastIndexOf('=');
            if (equals < 1) {
                throw new IllegalArgumentException(DISK + " = '" + text
                    + "' is neither a size such as 200GiB nor a list such as /ssd/cache=100GiB,/hdd/cache=1000GiB");
            }
            long budget = Sizes.bytes(DISK, tier.substring(equals + 1));
            tiers.add(new TierSize(directory(DISK, tier.substring(0, equals).trim()), budget));
        }
        return tiers;
    }

    private static int blockSize(String text) {
        if (text.isEmpty()) {
            return 0;
        }
        long size = Sizes.bytes(BLOCK_SIZE, text);
        if (!Layout.validBlockSize(size)) {
            throw new IllegalArgumentException(BLOCK_SIZE + " = '" + text
                + "' is not a power of two from 64KiB to 16MiB, such as 1MiB");
        }
        return (int) size;
    }

    /** A principal is no name: which user it is, the NameNode's rules say. */
    private static String shortName(String text) {
        if (text.matches(".*[@/\\p{Cntrl}].*")) {
            throw new IllegalArgumentException(USER + " = '" + text
                + "' is not the short name by which the NameNode knows a user, such as alice (not alice@REALM)");
        }
        return text;
    }

    private static Path file(String text) {
        if (text.isEmpty()) {
            return null;
        }
        if (!text.startsWith("/") || text.endsWith("/") || text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(AUDIT + " = '" + text
                + "' is not the absolute path of a file, such as /var/log/hybridfs/audit.log");
        }
        return Paths.get(text);
    }

    /** It names a file. */
    private static String name(String text) {
        if (text.equals(".") || text.equals("..")) {
            throw new IllegalArgumentException(APPLICATION + " = '" + text
                + "' cannot be a name, such as nightly-load");
        }
        return text;
    }

    private static int streams(String text) {
        if (!text.matches("\\d{1,18}")) {
            throw new IllegalArgumentException(FETCH_STREAMS + " = '" + text + "' is not a whole number such as 8");
        }
        return (int) Math.min(MOST_STREAMS, positive(FETCH_STREAMS, Long.parseLong(text)));
    }

    private static boolean bool(String option, String text) {
        return oneOf(option, text.toLowerCase(Locale.ROOT), "true", "false").equals("true");
    }

    private static long positive(String option, long value) {
        if (value == 0) {
            throw new IllegalArgumentException(option + " = 0 must be more than 0");
        }
        return value;
    }

    private static String oneOf(String option, String text, String... allowed) {
        if (!Arrays.asList(allowed).contains(text)) {
            throw new IllegalArgumentException(option + " = '" + text + "' is not one of " + Arrays.asList(allowed));
        }
        return text;
    }
}

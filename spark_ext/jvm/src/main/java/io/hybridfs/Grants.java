package io.hybridfs;

import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;

/**
 * What the NameNode lately allowed: (user, file, version), reusable by the same user of this process within
 * {@code freshness}.
 */
final class Grants {
    private static final int MOST = 10_000;
    /** uri \n user \n version to System.nanoTime() of the request that was granted. */
    private static final ConcurrentNavigableMap<String, Long> GIVEN = new ConcurrentSkipListMap<>();

    /** System.nanoTime() of the latest mutation of this process. */
    private static volatile long lastDrop = System.nanoTime();

    private final String user;
    private final long freshnessNanos;

    Grants(String user, long freshnessMillis) {
        this.user = user;
        this.freshnessNanos = TimeUnit.MILLISECONDS.toNanos(freshnessMillis);
    }

    /**
     * {@code asked}: System.nanoTime() before the request was sent. What was granted before a mutation of this process,
     * whichever, counts no more: it may be told of late.
     */
    void given(FileVersion version, long asked) {
        if (freshnessNanos > 0 && asked - lastDrop > 0) {
            if (GIVEN.size() >= MOST) {
                GIVEN.clear();
            }
            GIVEN.put(key(version), asked);
        }
    }

    boolean holds(FileVersion version) {
        return fresh(GIVEN.get(key(version)));
    }

    /** Whether some version of the file is granted: then a status may suffice. */
    boolean holdsAny(String uri) {
        String prefix = uri + "\n" + user + "\n";
        return GIVEN.subMap(prefix, prefix + Character.MAX_VALUE).values().stream().anyMatch(this::fresh);
    }

    /** A file or directory was changed: nothing that was granted there, to anyone, is reused. */
    static void drop(String uri) {
        lastDrop = System.nanoTime();
        GIVEN.subMap(uri + "\n", uri + "\n" + Character.MAX_VALUE).clear();
        GIVEN.subMap(uri + "/", uri + "/" + Character.MAX_VALUE).clear();
    }

    private boolean fresh(Long asked) {
        return asked != null && System.nanoTime() - asked < freshnessNanos;
    }

    private String key(FileVersion version) {
        return version.uri + "\n" + user + "\n" + version.mtime + "\n" + version.length;
    }
}

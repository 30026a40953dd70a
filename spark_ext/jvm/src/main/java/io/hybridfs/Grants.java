package io.hybridfs;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What the NameNode lately allowed: (user, file, version), reusable by the same user of this process within
 * {@code freshness}.
 */
final class Grants {
    private static final int MOST = 10_000;
    /** By file; then by user, modification time and length. */
    private static final ConcurrentNavigableMap<String, Map<List<Object>, Grant>> GIVEN =
        new ConcurrentSkipListMap<>();
    /** Grants that came to it since it was emptied. */
    private static final AtomicInteger COUNT = new AtomicInteger();

    /** System.nanoTime() of the latest mutation of this process. */
    private static final AtomicLong LAST_DROP = new AtomicLong(System.nanoTime());

    private final String user;
    private final long freshnessNanos;

    private static final class Grant {
        final String user;
        final FileVersion version;
        /** System.nanoTime() before the request that was granted. */
        final long asked;

        Grant(String user, FileVersion version, long asked) {
            this.user = user;
            this.version = version;
            this.asked = asked;
        }
    }

    /** {@code user}: the effective user, as Kerberos names it: a principal is another one than its short name. */
    Grants(String user, long freshnessMillis) {
        this.user = user;
        this.freshnessNanos = TimeUnit.MILLISECONDS.toNanos(freshnessMillis);
    }

    /**
     * {@code asked}: System.nanoTime() before the request was sent. What was granted before a mutation of this process,
     * whichever, counts no more: it may be told of late.
     */
    void given(FileVersion version, long asked) {
        if (freshnessNanos == 0) {
            return;
        }
        List<Object> key = Arrays.asList(user, version.mtime, version.length);
        Map<List<Object>, Grant> ofFile = GIVEN.computeIfAbsent(version.uri, uri -> new ConcurrentHashMap<>());
        boolean another = ofFile.put(key, new Grant(user, version, asked)) == null;
        // Looked at after it was put: a mutation that is told later finds it.
        if (asked - LAST_DROP.get() <= 0) {
            ofFile.remove(key);
        } else if (another && COUNT.incrementAndGet() > MOST) {
            COUNT.set(0);
            GIVEN.clear();
        }
    }

    /** The version as it was granted, which tells its validator; null if it is not granted. */
    FileVersion held(FileVersion version) {
        Map<List<Object>, Grant> given = GIVEN.get(version.uri);
        Grant grant = given == null ? null : given.get(Arrays.asList(user, version.mtime, version.length));
        return grant != null && isFresh(grant) && grant.version.matches(version) ? grant.version : null;
    }

    /** The version of the file that was granted last; null if none is. */
    FileVersion latest(String uri) {
        Map<List<Object>, Grant> given = GIVEN.get(uri);
        return given == null ? null : given.values().stream().filter(grant -> grant.user.equals(user))
            .filter(this::isFresh).max((one, other) -> Long.signum(one.asked - other.asked))
            .map(grant -> grant.version).orElse(null);
    }

    /** A file or directory was changed: nothing that was granted there, to anyone, is reused. */
    static void drop(String uri) {
        // Of two threads the one that looked first may come last.
        LAST_DROP.accumulateAndGet(System.nanoTime(), (one, other) -> one - other > 0 ? one : other);
        GIVEN.remove(uri);
        String below = uri.endsWith("/") ? uri : uri + "/";
        GIVEN.subMap(below, below.substring(0, below.length() - 1) + (char) ('/' + 1)).clear();
    }

    private boolean isFresh(Grant grant) {
        return System.nanoTime() - grant.asked < freshnessNanos;
    }
}

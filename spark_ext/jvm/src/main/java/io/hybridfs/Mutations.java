package io.hybridfs;

import java.util.Map;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What this process changes and lately changed, through whichever file system: a listing that was asked for before the
 * end of a change at its path or above it, or of a direct child, is none that may be used (FORMAT 10). All times are
 * System.nanoTime(), all uris canonical.
 */
final class Mutations {
    private static final int MOST = 10_000;
    /** By what was changed. */
    private static final ConcurrentNavigableMap<String, Change> CHANGED = new ConcurrentSkipListMap<>();
    /** By directories whose children were changed. */
    private static final ConcurrentNavigableMap<String, Change> PARENTS = new ConcurrentSkipListMap<>();
    private static final AtomicInteger UNDER_WAY = new AtomicInteger();
    /** When any change last ended. */
    private static final AtomicLong LAST = new AtomicLong(never());
    /** When changes last ended that are no longer told apart. */
    private static final AtomicLong FORGOTTEN = new AtomicLong(never());

    private Mutations() {
    }

    /** Before whatever any process of this host asked for. */
    private static long never() {
        return System.nanoTime() - Long.MAX_VALUE / 2;
    }

    /** As in a new process. */
    static void forget() {
        CHANGED.clear();
        PARENTS.clear();
        LAST.set(never());
        FORGOTTEN.set(never());
    }

    /** The changes of one path, of which some may not have ended. */
    private static final class Change {
        private int open;
        private boolean ended;
        private long end;
        /** Whether it was taken out of its table; who finds it looks again. */
        private boolean gone;

        synchronized boolean begin() {
            open += gone ? 0 : 1;
            return !gone;
        }

        synchronized void end(long now) {
            open--;
            ended = true;
            end = now;
        }

        synchronized boolean after(long asked) {
            return open > 0 || ended && end - asked >= 0;
        }

        /** True, and it may be forgotten, if nothing is under way. */
        synchronized boolean retire() {
            gone = open == 0;
            return gone;
        }
    }

    /** A change of {@code uri} begins, which {@code parents} may list otherwise afterwards; {@link #end} follows. */
    static void begin(String uri, Iterable<String> parents) {
        UNDER_WAY.incrementAndGet();
        begin(CHANGED, uri);
        for (String parent : parents) {
            begin(PARENTS, parent);
        }
    }

    private static void begin(Map<String, Change> table, String uri) {
        while (!table.computeIfAbsent(uri, absent -> new Change()).begin()) {
            Thread.yield();
        }
    }

    /** With the arguments of {@link #begin}. */
    static void end(String uri, Iterable<String> parents) {
        end(uri, parents, System.nanoTime());
    }

    private static void end(String uri, Iterable<String> parents, long now) {
        LAST.accumulateAndGet(now, Mutations::later);
        CHANGED.get(uri).end(now);
        for (String parent : parents) {
            PARENTS.get(parent).end(now);
        }
        UNDER_WAY.decrementAndGet();
        forgetIfMany(CHANGED);
        forgetIfMany(PARENTS);
    }

    /** A change of {@code uri} that nobody will tell of may come, and take until {@code until}. */
    static void expect(String uri, Iterable<String> parents, long until) {
        begin(uri, parents);
        end(uri, parents, until);
    }

    private static long later(long one, long other) {
        return one - other > 0 ? one : other;
    }

    /** All that was asked for before the last end, which may be one that is expected, is then taken for changed. */
    private static void forgetIfMany(Map<String, Change> table) {
        if (table.size() <= MOST) {
            return;
        }
        FORGOTTEN.accumulateAndGet(LAST.get(), Mutations::later);
        table.forEach((uri, change) -> {
            if (change.retire()) {
                table.remove(uri, change);
            }
        });
    }

    /** Whether what the NameNode told of a directory, asked for at {@code asked}, may since have been changed here. */
    static boolean hide(String uri, long asked) {
        if (UNDER_WAY.get() == 0 && LAST.get() - asked < 0) {
            return false;
        }
        return FORGOTTEN.get() - asked >= 0 || isAfter(PARENTS.get(uri), asked) || atOrAbove(uri, asked);
    }

    /** Whether anything at {@code uri}, above it or below it was changed here since {@code since}, or is being. */
    static boolean touch(String uri, long since) {
        if (UNDER_WAY.get() == 0 && LAST.get() - since < 0) {
            return false;
        }
        String below = uri.endsWith("/") ? uri : uri + "/";
        String end = below.substring(0, below.length() - 1) + (char) ('/' + 1);
        return FORGOTTEN.get() - since >= 0 || atOrAbove(uri, since)
            || CHANGED.subMap(below, end).values().stream().anyMatch(change -> change.after(since));
    }

    private static boolean atOrAbove(String uri, long asked) {
        for (String at = uri; at != null; at = CanonicalUri.parent(at)) {
            if (isAfter(CHANGED.get(at), asked)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isAfter(Change change, long asked) {
        return change != null && change.after(asked);
    }
}

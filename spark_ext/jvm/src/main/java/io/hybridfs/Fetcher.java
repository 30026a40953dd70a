package io.hybridfs;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Iterator;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Fetches runs of missing blocks of one file version, once for all threads and processes, and publishes them. */
final class Fetcher {
    private static final long FIRST_POLL_MILLIS = 5;
    private static final long LAST_POLL_MILLIS = 50;

    private final Store store;
    private final Layout layout;
    private final Origin origin;
    private final Reasons reasons;

    /** {@code reasons}: why readers of the file version did not find blocks. */
    Fetcher(Store store, Layout layout, Origin origin, Reasons reasons) {
        this.reasons = reasons;
        this.store = store;
        this.layout = layout;
        this.origin = origin;
    }

    /** Starts fetching. */
    Run start(long first, int blocks) {
        Run run = new Run(first, blocks);
        Workers.fetch(() -> {
            try {
                if (run.begin()) {
                    fill(run);
                }
            } catch (Throwable e) {
                run.data.completeExceptionally(e);
            }
        });
        return run;
    }

    /**
     * Fetches the blocks whose locks it gets; of the others it waits for the block or for its lock. It holds no lock
     * while it waits, so no two fetchers wait for each other.
     */
    private void fill(Run run) throws IOException {
        byte[] data = new byte[offset(run, run.end() - 1) + layout.dataLength(run.end() - 1)];
        SortedSet<Long> missing = new TreeSet<>();
        for (long block = run.first; block < run.end(); block++) {
            missing.add(block);
        }
        long start = System.nanoTime();
        long pause = FIRST_POLL_MILLIS;
        while (true) {
            Map<Long, LockFile.Held> mine = new TreeMap<>();
            try {
                lockOrFind(run, missing, data, mine);
                fetch(run, mine.keySet(), data);
            } catch (Throwable e) {
                mine.values().forEach(LockFile.Held::close);
                throw e;
            }
            try {
                missing.removeAll(mine.keySet());
                if (!missing.isEmpty() && System.nanoTime() - start > store.lockTimeoutNanos) {
                    fetchUnlocked(run, missing, data, mine);
                }
                if (missing.isEmpty()) {
                    run.data.complete(data);
                }
            } finally {
                if (!mine.isEmpty()) {
                    Workers.publish(() -> publish(run, data, mine));
                }
            }
            if (missing.isEmpty()) {
                return;
            }
            sleep(pause);
            pause = Math.min(2 * pause, LAST_POLL_MILLIS);
        }
    }

    /** Moves blocks from {@code missing} to {@code data} if the cache has them by now, else to {@code mine} if free. */
    private void lockOrFind(Run run, SortedSet<Long> missing, byte[] data, Map<Long, LockFile.Held> mine) {
        for (Iterator<Long> each = missing.iterator(); each.hasNext(); ) {
            long block = each.next();
            LockFile.Held lock = store.tryFetch(layout, block);
            if (lock != null) {
                mine.put(block, lock);
            }
            if (store.read(layout, origin.validator(), block, data, offset(run, block), reasons)) {
                run.cached.set((int) (block - run.first));
                each.remove();
                if (lock != null) {
                    mine.remove(block).close();
                }
            }
        }
    }

    /** One read of the origin for each stretch of consecutive blocks. */
    private void fetch(Run run, Iterable<Long> blocks, byte[] data) throws IOException {
        long from = -1;
        long until = -1;
        for (long block : blocks) {
            if (block != until) {
                fetch(run, from, until, data);
                from = block;
            }
            until = block + 1;
        }
        fetch(run, from, until, data);
    }

    private void fetch(Run run, long from, long until, byte[] data) throws IOException {
        if (from < until) {
            int start = offset(run, from);
            int end = offset(run, until - 1) + layout.dataLength(until - 1);
            try {
                origin.read(from * layout.blockSize, data, start, end - start);
            } catch (FileChangedException e) {
                for (long block = from; block < until; block++) {
                    reasons.count(block, Miss.VERSION_CHANGED);
                }
                throw e;
            }
        }
    }

    /** What another process has been fetching for too long: the next reader shall not wait for it once more. */
    private void fetchUnlocked(Run run, SortedSet<Long> missing, byte[] data, Map<Long, LockFile.Held> mine)
        throws IOException {
        Stats.add(Stats.Counter.LOCK_TIMEOUTS, missing.size());
        fetch(run, missing, data);
        for (long block : missing) {
            reasons.note(block, Miss.LOCK_TIMEOUT);
            mine.put(block, LockFile.Held.OF_NOTHING);
        }
        missing.clear();
    }

    /** Not of a file that turned out to be passed through: that was counted as one. */
    private void count(long block, Miss kept) {
        if (kept == null || kept.ofBlocks()) {
            reasons.count(block, kept);
        }
    }

    private void publish(Run run, byte[] data, Map<Long, LockFile.Held> blocks) {
        try {
            blocks.forEach((block, lock) -> {
                Miss refused = origin.refusal();
                count(block, refused != null ? refused
                    : store.publish(layout, origin.validator(), block, data, offset(run, block)));
                lock.close();
            });
        } finally {
            blocks.values().forEach(LockFile.Held::close);
        }
    }

    private int offset(Run run, long block) {
        return (int) (block - run.first) * layout.blockSize;
    }

    private static void sleep(long millis) throws IOException {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException("interrupted while another fetched").initCause(e);
        }
    }
}

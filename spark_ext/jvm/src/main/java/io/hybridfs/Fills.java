package io.hybridfs;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one application publishes on this host, against its limit (FORMAT 7). Blocks that are being published count
 * already: a process goes above the limit by less than the MiB that it has not told to the others yet.
 */
final class Fills {
    private static final Logger LOG = LoggerFactory.getLogger(Fills.class);
    static final String DIRECTORY = "fills";
    /** Of this process, by root: for applications without a name. */
    private static final ConcurrentHashMap<Path, AtomicLong> NAMELESS = new ConcurrentHashMap<>();

    private final AtomicBoolean warned = new AtomicBoolean();
    private final Path root;
    private final long limit;
    private final AtomicLong mine;
    /** Of all processes of the application; null for one without a name. */
    private final Marks shared;
    private long pending;

    /** {@code limit} in bytes, 0 = none; {@code application}: empty for this process alone. */
    Fills(Root root, long limit, String application) {
        this.root = root.dir;
        this.limit = limit;
        this.mine = NAMELESS.computeIfAbsent(root.dir, dir -> new AtomicLong());
        this.shared = application.isEmpty() ? null
            : new Marks(root.dir.resolve(DIRECTORY).resolve(CanonicalUri.domain(application)), root.modes);
    }

    /** Whether a block of that size would be refused now. */
    synchronized boolean spent(int size) {
        try {
            return limit > 0 && exceeds(size);
        } catch (IOException uncounted) {
            return true;
        }
    }

    /** Publishes a block if there is room for it; FILL_LIMIT if not, TIER_OFF if that cannot be counted. */
    Miss publish(int size, Supplier<Miss> publishing) {
        if (limit == 0) {
            return publishing.get();
        }
        Miss refused = reserve(size);
        if (refused != null) {
            return refused;
        }
        boolean published = false;
        try {
            refused = publishing.get();
            published = refused == null;
            return refused;
        } finally {
            settle(size, published);
        }
    }

    private boolean exceeds(int size) throws IOException {
        return total() + pending + size > limit;
    }

    private synchronized Miss reserve(int size) {
        try {
            if (exceeds(size)) {
                return Miss.FILL_LIMIT;
            }
            pending += size;
            return null;
        } catch (IOException e) {
            return fault(e);
        }
    }

    private synchronized void settle(int size, boolean published) {
        try {
            if (published) {
                add(size);
            }
            pending -= size;
        } catch (IOException e) {
            // It stays pending: this process knows of it, if nobody else does.
            fault(e);
        }
    }

    private Miss fault(IOException e) {
        Stats.count(Stats.Counter.TIER_FAULTS);
        if (warned.compareAndSet(false, true)) {
            LOG.warn("hybridfs: fills in {} cannot be counted: {}. Nothing is published without.", root, e.toString());
        }
        return Miss.TIER_OFF;
    }

    private long total() throws IOException {
        return shared == null ? mine.get() : shared.count() * Marks.UNIT;
    }

    private void add(int size) throws IOException {
        if (shared == null) {
            mine.addAndGet(size);
        } else {
            shared.add(size);
        }
    }
}

package io.hybridfs;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** What one application published on this host, against its limit (FORMAT 7). */
final class Fills {
    static final String DIRECTORY = "fills";
    /** Of this process, by root: for applications without a name. */
    private static final ConcurrentHashMap<Path, AtomicLong> NAMELESS = new ConcurrentHashMap<>();

    private final long limit;
    private final AtomicLong mine;
    /** Of all processes of the application; null for one without a name. */
    private final Marks shared;

    /** {@code limit} in bytes, 0 = none; {@code application}: empty for this process alone. */
    Fills(Root root, long limit, String application) {
        this.limit = limit;
        this.mine = NAMELESS.computeIfAbsent(root.dir, dir -> new AtomicLong());
        this.shared = application.isEmpty() ? null
            : new Marks(root.dir.resolve(DIRECTORY).resolve(CanonicalUri.domain(application)), root.modes);
    }

    /** Whether nothing more is to be published from the origin. */
    boolean reached() throws IOException {
        return limit > 0 && (shared == null ? mine.get() : shared.count() * Marks.UNIT) >= limit;
    }

    /** Notes bytes of data that were published. */
    void add(long bytes) throws IOException {
        if (shared == null) {
            mine.addAndGet(bytes);
        } else if (limit > 0) {
            shared.add(bytes);
        }
    }
}

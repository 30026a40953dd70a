package io.hybridfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A root and its tiers, from the fastest to the slowest; one for each configuration in a process. */
final class Store {
    private static final Logger LOG = LoggerFactory.getLogger(Store.class);
    private static final Map<String, Store> OPEN = new HashMap<>();
    /** When roots that cannot be used were last tried, by System.nanoTime(). */
    private static final Map<String, Long> TRIED = new HashMap<>();

    final int blockSize;
    final long lockTimeoutNanos;
    private final Root root;
    private final LockFile flights;
    private final List<Tier> tiers;
    private final Fills fills;

    private Store(Options options, Root root, boolean first) throws IOException {
        this.blockSize = root.blockSize;
        this.lockTimeoutNanos = TimeUnit.MILLISECONDS.toNanos(options.lockTimeoutMillis);
        this.root = root;
        this.fills = new Fills(root, options.fillLimit, options.application);
        List<Tier> all = new ArrayList<>();
        if (options.memory > 0) {
            addMemory(all, options, root, first);
        }
        for (Options.TierSize disk : options.disk) {
            add(all, () -> new Tier(disk.dir, disk.budget, options.minFree, options.maxAgeMillis, false, root.modes),
                disk.dir, first);
        }
        this.tiers = Collections.unmodifiableList(all);
        if (all.stream().allMatch(tier -> tier.memory)) {
            throw new IOException("no disk tier of " + options.disk + " can be used");
        }
        // After the tiers: one that has no lock file yet is new.
        this.flights = LockFile.of(root.dir, root.modes);
        all.forEach(tier -> tier.fills = root.dir.resolve(Fills.DIRECTORY));
        for (int i = 0; i + 1 < all.size(); i++) {
            all.get(i).below = all.get(i + 1);
        }
    }

    /**
     * The store of these options, or null while its root cannot be used: then the origin serves everything, and the
     * root is tried again after a while.
     */
    static Store of(Options options) {
        String key = options.storeKey();
        synchronized (OPEN) {
            Store known = OPEN.get(key);
            Long tried = TRIED.get(key);
            if (known == null && (tried == null || System.nanoTime() - tried >= Breaker.REST_NANOS)) {
                known = open(options, tried == null);
                // An interrupted thread cannot write files, whatever the directory is like.
                if (known != null) {
                    OPEN.put(key, known);
                } else if (!Thread.currentThread().isInterrupted()) {
                    TRIED.put(key, System.nanoTime());
                }
            }
            return known;
        }
    }

    private static Store open(Options options, boolean first) {
        try {
            return new Store(options, Root.open(options.cacheDir, options.blockSize), first);
        } catch (IOException | UnsupportedOperationException | SecurityException e) {
            unusable(options.cacheDir, e, first);
            return null;
        }
    }

    private interface Opening {
        Tier open() throws IOException;
    }

    private static void add(List<Tier> tiers, Opening opening, Path dir, boolean first) {
        try {
            tiers.add(opening.open());
        } catch (IOException | UnsupportedOperationException | SecurityException e) {
            unusable(dir, e, first);
        }
    }

    /** Anybody may make a link in /dev/shm, to a directory that is not meant. */
    private static void addMemory(List<Tier> tiers, Options options, Root root, boolean first) {
        Path dir = Paths.get("/dev/shm/hybridfs-" + root.cacheId);
        if (Files.isSymbolicLink(dir)) {
            unusable(dir, new IOException(dir + " is a link; remove it"), first);
        } else {
            add(tiers, () -> new Tier(dir, options.memory, 0, options.maxAgeMillis, true, root.modes), dir,
                first);
        }
    }

    /** {@code first}: whether it is tried for the first time, which is warned of. */
    private static void unusable(Path dir, Exception e, boolean first) {
        Stats.count(Stats.Counter.TIER_FAULTS);
        if (first) {
            LOG.warn("hybridfs: cache directory {} cannot be used: {}. Reads go on from the origin.", dir,
                e.toString());
        }
    }

    /** The host's switch: who opens a file meanwhile reads from the origin. */
    boolean isDisabled() {
        return root.isDisabled();
    }

    Modes modes() {
        return root.modes;
    }

    /** Whether a tier has a file of that name; it may still prove to be no hit. */
    boolean contains(Layout layout, long block) {
        for (Tier tier : tiers) {
            if (tier.contains(layout, block)) {
                return true;
            }
        }
        return false;
    }

    /**
     * The open block, to be closed by the caller, or null, and why in {@code reasons}. Counts the hit and promotes a
     * re-used block.
     */
    CachedBlock find(Layout layout, long validator, long block, Reasons reasons) {
        for (int i = 0; i < tiers.size(); i++) {
            CachedBlock found = tiers.get(i).find(layout, validator, block, reasons);
            if (found != null) {
                reasons.forget(block);
                Stats.count(found.tier.memory ? Stats.Counter.HIT_BLOCKS_MEMORY : Stats.Counter.HIT_BLOCKS_DISK);
                if (i > 0 && found.readBefore) {
                    Tier above = tiers.get(i - 1);
                    Tier from = found.tier;
                    Workers.promote(() -> promote(from, above, layout, validator, block));
                }
                return found;
            }
        }
        return null;
    }

    /** Copies a whole block into {@code into}; false when there is none. */
    boolean read(Layout layout, long validator, long block, byte[] into, int offset, Reasons reasons) {
        CachedBlock found = find(layout, validator, block, reasons);
        if (found == null) {
            return false;
        }
        try {
            found.read(0, ByteBuffer.wrap(into, offset, found.length));
            return true;
        } catch (IOException e) {
            reasons.note(block, found.tier.unreadable(found.path, e));
            return false;
        } finally {
            found.close();
        }
    }

    /** Publishes a block of a confirmed version to the first disk tier that takes it; returns why none did, or null. */
    Miss publish(Layout layout, long validator, long block, byte[] data, int offset) {
        int length = layout.dataLength(block);
        Miss refused = fills.publish(length, () -> publishToTier(layout, validator, block, data, offset));
        if (refused == null) {
            Stats.count(Stats.Counter.PUBLISHED_BLOCKS);
            Stats.add(Stats.Counter.PUBLISHED_BYTES, length);
        }
        return refused;
    }

    private Miss publishToTier(Layout layout, long validator, long block, byte[] data, int offset) {
        Miss refused = null;
        byte[] trailer = null;
        int length = layout.dataLength(block);
        for (Tier tier : tiers) {
            if (!tier.memory) {
                Miss why = tier.breaker.closed();
                if (why == null) {
                    trailer = trailer != null ? trailer
                        : BlockFormat.trailer(data, offset, length, layout, validator, block);
                    why = tier.publish(layout.path(block), ByteBuffer.wrap(data, offset, length),
                        ByteBuffer.wrap(trailer));
                }
                if (why == null) {
                    return null;
                }
                refused = Miss.stronger(refused, why);
            }
        }
        return refused;
    }

    /** Where listings are kept: the first disk tier. */
    Tier listings() {
        return tiers.stream().filter(tier -> !tier.memory).findFirst().get();
    }

    /** The right to fetch a block for everybody, or null while another has it. */
    LockFile.Held tryFetch(Layout layout, long block) {
        // Nobody has to wait for what is not published.
        return isClosed() || fills.spent(layout.dataLength(block)) ? LockFile.Held.OF_NOTHING
            : flights.tryLock(layout.lockOffset(block));
    }

    /** Whether no tier takes what is fetched. */
    private boolean isClosed() {
        return tiers.stream().allMatch(tier -> tier.memory || tier.breaker.closed() != null);
    }

    private static void promote(Tier from, Tier above, Layout layout, long validator, long block) {
        if (above.contains(layout, block)) {
            return;
        }
        CachedBlock found = from.find(layout, validator, block, new Reasons());
        if (found == null) {
            return;
        }
        try {
            if (above.copy(found)) {
                Stats.count(Stats.Counter.PROMOTED_BLOCKS);
            }
        } catch (IOException e) {
            from.unreadable(found.path, e);
        } finally {
            found.close();
        }
    }
}

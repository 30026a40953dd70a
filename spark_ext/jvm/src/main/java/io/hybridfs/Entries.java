package io.hybridfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/** The listings of one user of one origin that the root keeps (FORMAT 10). No fault of theirs is a caller's. */
final class Entries {
    /** Bytes of heap that all listings may have that wait to be kept; more are not kept. */
    private static final long MOST_WAITING = 64 << 20;
    private static final AtomicLong WAITING = new AtomicLong();
    /** Null where the host does not tell it: then none is kept. */
    private static final byte[] BOOT = boot();

    private final String authority;
    private final String domain;
    private final long freshnessMillis;
    private final Supplier<Tier> tiers;

    /**
     * {@code shared}: the domain of what this user alone may see, as in {@code hdfs-<authority>@<user>}; {@code tiers}:
     * gives the tier that keeps them, or null while there is none.
     */
    Entries(String authority, String shared, long freshnessMillis, Supplier<Tier> tiers) {
        this.authority = authority;
        this.domain = CanonicalUri.domain(shared + "+listings");
        this.freshnessMillis = freshnessMillis;
        this.tiers = tiers;
    }

    private static byte[] boot() {
        try {
            byte[] told = Files.readAllBytes(Paths.get("/proc/sys/kernel/random/boot_id"));
            UUID id = UUID.fromString(new String(told, StandardCharsets.US_ASCII).trim());
            return ByteBuffer.allocate(16).putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits())
                .array();
        } catch (IOException | IllegalArgumentException noLinux) {
            return null;
        }
    }

    /**
     * The fresh entry of a directory, decoded and absolute as {@code Path.toUri().getPath()} gives it; null when there
     * is none, or one that was asked for before the end of a change by this process.
     */
    Listing find(String path) {
        Listing found = earlier(path);
        return found != null && found.isComplete() && isFresh(found)
            && !Mutations.hide(uri(path), found.askedNanos()) ? found : null;
    }

    /** The entry of a directory, however old: it tells at most what may be found. Null when there is none. */
    Listing earlier(String path) {
        Tier tier = BOOT == null || freshnessMillis == 0 ? null : tiers.get();
        if (tier == null) {
            return null;
        }
        ListingFormat format = new ListingFormat(domain, uri(path));
        byte[] entry = tier.read(format.file, ListingFormat.largestFile());
        if (entry == null) {
            return null;
        }
        try {
            return format.parse(entry, CanonicalUri.path(path), BOOT);
        } catch (IOException e) {
            tier.unreadable(tier.dir.resolve(format.file), e);
            return null;
        }
    }

    private String uri(String path) {
        return CanonicalUri.file(authority, path);
    }

    /** By both clocks, of which one may have been set and the other may have slept. */
    boolean isFresh(Listing listing) {
        long nanos = System.nanoTime() - listing.askedNanos();
        long millis = System.currentTimeMillis() - listing.askedMillis();
        return nanos >= 0 && nanos < TimeUnit.MILLISECONDS.toNanos(freshnessMillis)
            && millis >= 0 && millis < freshnessMillis;
    }

    /** Keeps a listing, by and by: it delays nobody, and may come to nothing. */
    void keep(Listing listing) {
        if (BOOT == null || freshnessMillis == 0 || !listing.isKeepable()) {
            return;
        }
        long bytes = listing.bytes();
        if (WAITING.addAndGet(bytes) > MOST_WAITING || !Workers.keep(() -> keepNow(listing, bytes))) {
            WAITING.addAndGet(-bytes);
        }
    }

    private void keepNow(Listing listing, long bytes) {
        WAITING.addAndGet(-bytes);
        String uri = uri(listing.path);
        Tier tier = tiers.get();
        if (tier == null || !isFresh(listing) || Mutations.hide(uri, listing.askedNanos())) {
            return;
        }
        ListingFormat format = new ListingFormat(domain, uri);
        byte[] data = ListingFormat.data(listing, BOOT);
        tier.publish(format.file, ByteBuffer.wrap(data), ByteBuffer.wrap(format.trailer(listing, data)));
        if (Mutations.hide(uri, listing.askedNanos())) {
            tier.remove(format.file);
        }
    }

    /** Removes the entry of a directory, for all processes of this host. */
    void drop(String path) {
        Tier tier = BOOT == null ? null : tiers.get();
        if (tier != null && !tier.breaker.isOff()) {
            tier.remove(new ListingFormat(domain, uri(path)).file);
        }
    }
}

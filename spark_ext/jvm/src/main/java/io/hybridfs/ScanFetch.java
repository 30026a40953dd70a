package io.hybridfs;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One batch of directories that a scan wants, on a thread of its own: by entries, the others by the NameNode. */
final class ScanFetch {
    private static final Logger LOG = LoggerFactory.getLogger(ScanFetch.class);

    private final ScanAhead scan;
    private final ListingClient client;
    private final Listings listings;
    private final List<ScanNode> batch;

    ScanFetch(ScanAhead scan, ListingClient client, Listings listings, List<ScanNode> batch) {
        this.scan = scan;
        this.client = client;
        this.listings = listings;
        this.batch = batch;
    }

    void run() {
        boolean failed = false;
        try {
            List<ScanNode> rest = new ArrayList<>();
            for (ScanNode node : batch) {
                Listing entry = scan.hasEnded() ? null : entry(node);
                if (entry == null) {
                    rest.add(node);
                } else {
                    scan.deliver(node, entry, true);
                }
            }
            if (!rest.isEmpty() && !scan.hasEnded()) {
                fetch(rest);
            }
        } catch (IOException | RuntimeException | LinkageError e) {
            LOG.debug("hybridfs: directories are listed one by one", e);
            failed = true;
        } finally {
            scan.finished(batch, failed);
        }
    }

    /** An entry that may be used: in the mode {@code validated} of a leaf, because what shows others must be of now. */
    private Listing entry(ScanNode node) {
        Listing entry = listings.entries.find(node.path);
        if (entry == null || entry.isAbsent()) {
            return null;
        }
        return listings.mode(node.path) == Listings.Mode.BOUNDED || entry.sameDirectory(node.record)
            && entry.isSettled(System.currentTimeMillis()) && !entry.hasDirectories() ? entry : null;
    }

    private void fetch(List<ScanNode> nodes) throws IOException {
        List<String> paths = new ArrayList<>(nodes.size());
        nodes.forEach(node -> paths.add(node.path));
        long askedNanos = System.nanoTime();
        long askedMillis = System.currentTimeMillis();
        client.batch(paths, (place, children, pages) -> {
            ScanNode node = nodes.get(place);
            Listing listing;
            try {
                listing = Listing.of(node.path, node.record, children, askedNanos, askedMillis, pages);
            } catch (IllegalArgumentException cannotBeHeld) {
                return;
            }
            Stats.count(Stats.Counter.LISTINGS_PREFETCHED);
            scan.deliver(node, listing, false);
            listings.entries.keep(listing);
        }, () -> scan.goesOn(nodes));
    }
}

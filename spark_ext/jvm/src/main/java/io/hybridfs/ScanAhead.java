package io.hybridfs;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;

/**
 * What a scan fetches ahead of its caller, depth first: directories that real listings of this scan show, by entries
 * that those validate, else by batches, of which the more are under way the more of what they bring is used.
 */
final class ScanAhead {
    private final ListingClient client;
    private final Listings listings;
    private final ScanNode top;
    private final ScanWindow window;
    /** What the caller waits for. */
    private ScanNode wanted;
    private boolean broken;
    private boolean ended;

    /** {@code scans}: how many of this file system go on. */
    ScanAhead(ListingClient client, Listings listings, AtomicInteger scans, String path, Pages pages,
              byte[] startAfter) {
        this.client = client;
        this.listings = listings;
        this.top = new ScanNode(null, path, 0, null);
        top.show(pages, startAfter);
        this.window = new ScanWindow(client, scans);
    }

    /**
     * The listing of a directory below; null: the caller is to ask on his own. Throws NoSuchPath of one that this
     * scan does not show: whoever asks for it knows something newer, and the scan is to end.
     */
    ScanAnswer ask(String path) throws IOException {
        ScanNode node = find(path);
        if (node == null) {
            return null;
        }
        CompletableFuture<Listing> coming;
        synchronized (this) {
            if (node.answer == null && mayPlan(true)) {
                plan(node);
            }
            coming = node.answer;
            wanted = node;
        }
        Listing listing = coming == null ? null : Workers.await(coming);
        return take(node, listing != null && listings.entries.isFresh(listing) ? listing : null);
    }

    private synchronized ScanAnswer take(ScanNode node, Listing listing) {
        wanted = null;
        window.used(node);
        planMore();
        return listing == null ? null
            : new ScanAnswer(listing, node.reused ? Explain.Source.ENTRY : Explain.Source.PREFETCHED);
    }

    /** The first real listing is asked for while the caller asks on his own, {@code first}: for what it begins with. */
    synchronized void start(boolean first) {
        top.entered = first;
        askMore(top);
    }

    /**
     * The caller lists a directory of this scan on his own: what he is told shows the next level. The directory's
     * status by a listing of its parent that was asked for before; null where there is none.
     */
    synchronized HdfsFileStatus listed(String path, Pages pages) {
        ScanNode node = ended ? null : top.find(path, true);
        if (node == null || node == top) {
            return null;
        }
        if (!node.isInner()) {
            node.show(pages, HdfsFileStatus.EMPTY_NAME);
        }
        return node.parent.shows(PathOrder.name(path)).askedNanos() - pages.askedNanos < 0 ? node.record : null;
    }

    /** Walks down to a directory, waiting for what is under way; null: unknown. */
    private ScanNode find(String path) throws IOException {
        ScanNode node = top;
        while (node != null && !node.path.equals(path)) {
            ScanNode next = step(node, PathOrder.below(node.path, path), path);
            if (next == null || next.path.equals(path)) {
                return next;
            }
            CompletableFuture<Listing> coming = null;
            synchronized (this) {
                if (!next.isInner()) {
                    if (next.answer == null && mayPlan(true)) {
                        plan(next);
                    }
                    coming = next.answer;
                    wanted = next;
                }
            }
            if (coming != null) {
                Workers.await(coming);
            }
            synchronized (this) {
                if (!next.isInner()) {
                    return null;
                }
                if (!next.used) {
                    next.used = true; // by what is below it
                }
            }
            node = next;
        }
        return node;
    }

    /** The child of that name, which the caller has come to; {@code path}: what he asks for. */
    private ScanNode step(ScanNode node, String name, String path) throws IOException {
        while (true) {
            Pages pages;
            int page;
            synchronized (this) {
                node.absorb();
                int place = node.place(name);
                if (ended || place >= 0) {
                    if (!ended) {
                        node.pass(place, window);
                    }
                    return ended ? null : node.child(place);
                }
                if (node.tellsOf(name)) {
                    if (node.shows(name) == null) {
                        throw new ListingClient.NoSuchPath(path);
                    }
                    return null;
                }
                pages = node.more;
                page = node.nextPage();
                if (pages == null) {
                    return null;
                }
                if (page > 0 && !isSoon(node)) {
                    byte[] before = PathOrder.before(name);
                    node.dropAll(window);
                    node.show(new Pages(client, node.path, false, before), before);
                    askMore(node);
                    return null;
                }
            }
            pages.page(page);
        }
    }

    /** Whether the caller has come near the end of what is shown, so that the next page is likely to show it. */
    private static boolean isSoon(ScanNode node) {
        return node.asking || node.directories.size() - node.from <= node.directories.size() / 2;
    }

    private boolean mayPlan(boolean needed) {
        return !ended && !broken && window.isOpen(needed);
    }

    /** One batch: {@code first}, if there is one, and what comes after the caller's place. */
    private boolean plan(ScanNode first) {
        List<ScanNode> batch = new ArrayList<>();
        int room = window.room(first != null);
        if (first != null) {
            batch.add(first);
            window.asked(first);
        }
        ScanNode lacking = top.collect(batch, room);
        for (ScanNode node : batch) {
            if (node != first) {
                window.asked(node);
            }
        }
        if (lacking != null && !lacking.asking) {
            askMore(lacking);
        }
        if (batch.isEmpty()) {
            return false;
        }
        boolean begun = false;
        try {
            Workers.list(() -> {
                new ScanFetch(this, client, listings, batch).run();
                return null;
            });
            begun = true;
        } finally {
            if (!begun) { // there is no thread for it: nobody else would ever tell who waits
                broken = true;
                giveUp(batch);
            }
        }
        return true;
    }

    private synchronized void planMore() {
        while (mayPlan(false) && plan(null)) {
            continue;
        }
    }

    private void askMore(ScanNode node) {
        node.asking = true;
        Pages pages = node.more;
        int page = node.nextPage();
        Workers.list(() -> pages.page(page)).whenComplete((children, failed) -> {
            synchronized (this) {
                node.asking = false;
                broken |= failed != null;
                planMore();
            }
        });
    }

    // ---- for the threads that fetch

    synchronized boolean hasEnded() {
        return ended;
    }

    /** Whether the next answer of a batch is wanted: what may be too much for a try, only if somebody waits for it. */
    synchronized boolean goesOn(List<ScanNode> nodes) {
        planMore();
        return !ended && !ScanWindow.isFull() && (window.isProven() || nodes.contains(wanted));
    }

    void deliver(ScanNode node, Listing listing, boolean reused) {
        synchronized (this) {
            if (ended || node.answer.isDone()) {
                return;
            }
            node.reused = reused;
            if (listing.hasDirectories()) { // one that is reused has some in the mode `bounded` only
                node.show(listing);
                window.arrived(node);
            }
            window.holds(node, listing.bytes());
        }
        node.answer.complete(listing);
    }

    /** Of those that did not come, who waits for one now is told so; the others may be asked for again. */
    synchronized void finished(List<ScanNode> batch, boolean failed) {
        broken |= failed;
        giveUp(batch);
        planMore();
    }

    private void giveUp(List<ScanNode> batch) {
        for (ScanNode node : batch) {
            if (!node.answer.isDone()) {
                window.arrived(node);
                if (node != wanted && !broken) {
                    node.parent.children.remove(node.place, node);
                }
                node.answer.complete(null);
            }
        }
    }

    synchronized void end() {
        if (!ended) {
            ended = true;
            window.end();
            top.dropAll(window);
        }
    }
}

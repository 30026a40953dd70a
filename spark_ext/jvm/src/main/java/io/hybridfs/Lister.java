package io.hybridfs;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.GlobalStorageStatistics;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.PathFilter;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.hdfs.DFSClient;
import org.apache.hadoop.hdfs.DFSOpsCountStatistics;
import org.apache.hadoop.hdfs.DFSOpsCountStatistics.OpType;
import org.apache.hadoop.hdfs.DFSUtilClient;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.apache.hadoop.hdfs.protocol.HdfsLocatedFileStatus;

/** The listings of one file system, as HDFS's own class gives them, from what is known and from scans. */
final class Lister {
    /** What a NameNode tells at once, unless it is configured otherwise. */
    private static final int PAGE = 1000;

    private final URI uri;
    private final Listings listings;
    private final ListingClient client;
    private final FileSystem.Statistics statistics;
    private final AtomicInteger scans = new AtomicInteger();
    /** Of threads that live: a ThreadLocal would keep this file system alive as long as they do. */
    private final Map<Thread, Trail> trails = Collections.synchronizedMap(new WeakHashMap<>());

    Lister(URI uri, Listings listings, DFSClient client, FileSystem.Statistics statistics) {
        this.uri = uri;
        this.listings = listings;
        this.client = new ListingClient(client);
        this.statistics = statistics;
    }

    /** Whether it lists a path, which belongs to this file system; all others plain HDFS lists. */
    boolean lists(Path dir) {
        String path = dir.toUri().getPath();
        return dir.isAbsolute() && DFSUtilClient.isValidName(path)
            && listings.mode(CanonicalUri.path(path)) != Listings.Mode.ORIGIN;
    }

    /** Whatever scans go on end. */
    void close() {
        synchronized (trails) {
            trails.values().forEach(Trail::forget);
            trails.clear();
        }
    }

    /** As {@code listStatus}. */
    FileStatus[] list(Path dir) throws IOException {
        List<FileStatus> all = new ArrayList<>();
        ListingIterator<FileStatus> each = new ListingIterator<>(uri, dir, null, false, source(dir, false, true));
        while (each.hasNext()) {
            all.add(each.next());
        }
        return all.toArray(new FileStatus[0]);
    }

    /** As {@code listStatusIterator}. */
    RemoteIterator<FileStatus> iterate(Path dir) throws IOException {
        return new ListingIterator<>(uri, dir, null, false, source(dir, false, false));
    }

    /** As {@code listLocatedStatus}. */
    <T extends FileStatus> RemoteIterator<T> locate(Path dir, PathFilter filter) throws IOException {
        return new ListingIterator<>(uri, dir, filter, true, source(dir, true, false));
    }

    private static String path(Path dir) {
        return CanonicalUri.path(dir.toUri().getPath());
    }

    private static void operation(OpType type) {
        Object operations = GlobalStorageStatistics.INSTANCE.get(DFSOpsCountStatistics.NAME);
        if (operations instanceof DFSOpsCountStatistics) {
            ((DFSOpsCountStatistics) operations).incrementOpCounter(type);
        }
    }

    private ListingIterator.Source source(Path dir, boolean located, boolean atOnce) throws IOException {
        Trail trail = trails.computeIfAbsent(Thread.currentThread(), thread -> new Trail(client, listings, scans));
        try {
            return source(dir, located, atOnce, trail);
        } finally {
            trail.settle();
        }
    }

    private ListingIterator.Source source(Path dir, boolean located, boolean atOnce, Trail trail)
        throws IOException {
        String path = path(dir);
        Listing bounded = listings.bounded(path);
        ScanAnswer answer = bounded != null ? new ScanAnswer(bounded, Explain.Source.ENTRY) : trail.ask(path);
        HdfsFileStatus[] statuses = answer == null ? null : statuses(answer.listing, located);
        if (statuses == null) {
            return asked(dir, path, located, atOnce, trail);
        }
        if (bounded == null) {
            trail.answered(path, null);
        }
        return told(dir, answer, statuses, located, atOnce);
    }

    /** Null where only the NameNode knows the blocks. */
    private static HdfsFileStatus[] statuses(Listing listing, boolean located) {
        HdfsFileStatus[] statuses = listing.statuses(located);
        for (int i = 0; located && i < statuses.length; i++) {
            if (!((Object) statuses[i] instanceof HdfsLocatedFileStatus)) {
                return null;
            }
        }
        return statuses;
    }

    private ListingIterator.Source told(Path dir, ScanAnswer answer, HdfsFileStatus[] statuses, boolean located,
                                        boolean atOnce) throws IOException {
        Listing listing = answer.listing;
        int plain = Math.max(1, (listing.size() + PAGE - 1) / PAGE);
        listings.answered(listings.mode(listing.path), listing.path, answer.source, listing.askedNanos(), 0, plain);
        for (int page = 0; page < plain; page++) {
            count(page, located, atOnce, plain > 1);
        }
        if (listing.isAbsent()) {
            throw new FileNotFoundException("File " + dir + " does not exist.");
        }
        return number -> number == 0 ? statuses : null;
    }

    /** As HDFS's own methods count their answers. */
    private void count(int page, boolean located, boolean atOnce, boolean several) {
        if (atOnce && several) {
            statistics.incrementLargeReadOps(1);
        } else {
            statistics.incrementReadOps(1);
        }
        if (page == 0 || atOnce) {
            operation(located ? OpType.LIST_LOCATED_STATUS : OpType.LIST_STATUS);
        }
    }

    /** From the NameNode, to this caller. */
    private ListingIterator.Source asked(Path dir, String path, boolean located, boolean atOnce, Trail trail)
        throws IOException {
        Pages pages = new Pages(client, path, located);
        Listing earlier = listings.entries.earlier(path);
        if (earlier != null) {
            pages.guess(earlier);
        }
        HdfsFileStatus own = null;
        Pages whole = null;
        try {
            page(pages, 0, dir);
            whole = pages;
        } catch (FileNotFoundException e) {
            listings.absent(dir, pages.askedNanos, pages.askedMillis);
            throw e;
        } finally {
            own = trail.answered(path, whole);
        }
        listings.answered(listings.mode(path), path, Explain.Source.ORIGIN, pages.askedNanos, 1, 1);
        HdfsFileStatus record = own;
        return number -> {
            HdfsFileStatus[] page = page(pages, number, dir);
            if (page != null || number == 0) {
                count(number, located, atOnce, number > 0 || !pages.hasEnded());
            }
            if (page == null) {
                trail.passed(path);
                finished(pages, record);
            }
            return page;
        };
    }

    private static HdfsFileStatus[] page(Pages pages, int number, Path dir) throws IOException {
        try {
            return pages.page(number);
        } catch (ListingClient.NoSuchPath absent) {
            throw new FileNotFoundException("File " + dir + " does not exist.");
        }
    }

    private void finished(Pages pages, HdfsFileStatus own) {
        if (pages.answers() > 1) {
            Stats.add(Stats.Counter.LISTING_RPCS_PLAIN, pages.answers() - 1);
        }
        Workers.keep(() -> {
            Listing whole = pages.whole();
            if (whole != null) {
                listings.entries.keep(whole.withOwn(own));
            }
        });
    }
}

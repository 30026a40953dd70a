package io.hybridfs;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;

/**
 * What one thread lists through one file system, as far as it is one request: directories in the order in which a walk
 * comes by them, each once, with no pause between an answer and the next question. Of such a scan every answer was
 * asked for after it had begun: with the listing of a directory whose children follow, or with the second sibling.
 */
final class Trail {
    /** A thread that takes longer between an answer and the next question asks for something else; tests say when. */
    static volatile long pauseMillis = 1000;
    private static final long LOOK_MILLIS = 1000;
    /** How far above a directory a scan of its siblings goes on with those of its parent, or of that one's. */
    private static final int LEVELS = 3;

    private final ListingClient client;
    private final Listings listings;
    private final AtomicInteger scans;
    /** What was listed last, and how, if the NameNode answered it to this thread. */
    private String last;
    private Pages pages;
    /** By System.nanoTime(). */
    private long answered;
    private long began;
    private String root;
    private ScanAhead ahead;
    private boolean busy;
    private boolean watched;

    /** {@code scans}: how many of this file system go on. */
    Trail(ListingClient client, Listings listings, AtomicInteger scans) {
        this.client = client;
        this.scans = scans;
        this.listings = listings;
    }

    /**
     * What the scan answers to the next question; null: the caller is to ask on his own. Either way {@link #answered}
     * or {@link #settle} follows.
     */
    ScanAnswer ask(String path) {
        try {
            ScanAhead scan = scanOf(path);
            ScanAnswer answer = scan == null ? null : scan.ask(path);
            return answer == null || isUntouched() ? answer : null;
        } catch (IOException | RuntimeException | LinkageError e) {
            end(); // whoever asks on his own is told what is wrong, be it an interrupt
            return null;
        }
    }

    /** Whether this process changed nothing while the scan was asked; else it ends. */
    private synchronized boolean isUntouched() {
        boolean untouched = ahead != null && !Mutations.touch(listings.uri(root), began);
        if (!untouched) {
            end();
        }
        return untouched;
    }

    /** The scan that the question belongs to, if it does not begin one that the caller's own question begins, too. */
    private synchronized ScanAhead scanOf(String path) {
        busy = true;
        if (isOver()) {
            forget();
        }
        boolean follows = last != null && PathOrder.isAfter(path, last);
        if (follows && ahead != null && PathOrder.isBelow(path, root)) {
            return ahead;
        }
        boolean scanned = ahead != null;
        end();
        if (follows && pages != null && last.equals(PathOrder.parent(path))) {
            begin(last, pages, HdfsFileStatus.EMPTY_NAME, pages.askedNanos);
            return ahead;
        }
        if (follows && goesOn(path, scanned)) {
            String above = PathOrder.above(path, last);
            byte[] before = PathOrder.before(PathOrder.below(above, path));
            begin(above, new Pages(client, above, false, before), before, System.nanoTime());
            if (ahead != null) {
                ahead.start(above.equals(PathOrder.parent(path)));
            }
        }
        return null;
    }

    /** Whether it is the next sibling, or what follows on a scan of siblings. */
    private boolean goesOn(String path, boolean scanned) {
        String above = PathOrder.above(path, last);
        int depth = PathOrder.depth(above);
        int levels = Math.max(PathOrder.depth(path), PathOrder.depth(last)) - depth;
        return PathOrder.depth(path) == PathOrder.depth(last) && levels == 1
            || scanned && depth > 0 && levels <= LEVELS;
    }

    private void begin(String dir, Pages shown, byte[] startAfter, long since) {
        if (Mutations.touch(listings.uri(dir), since)) {
            return;
        }
        root = dir;
        began = since;
        ahead = new ScanAhead(client, listings, scans, dir, shown, startAfter);
    }

    private boolean isOver() {
        return last != null && (System.nanoTime() - answered >= TimeUnit.MILLISECONDS.toNanos(pauseMillis)
            || ahead != null && Mutations.touch(listings.uri(root), began));
    }

    /**
     * The caller got his answer. {@code asked}: if it is one of the NameNode to him. The directory's status by an
     * earlier listing of its parent in this scan, or null.
     */
    synchronized HdfsFileStatus answered(String path, Pages asked) {
        busy = false;
        last = path;
        pages = asked;
        answered = System.nanoTime();
        watch();
        return ahead == null || asked == null ? null : ahead.listed(path, asked);
    }

    /** The caller went on through an answer. */
    synchronized void passed(String path) {
        if (path.equals(last)) {
            answered = System.nanoTime();
        }
    }

    /** Behind each question: of one that came to nothing nothing is left. */
    synchronized void settle() {
        if (busy) {
            busy = false;
            forget();
        }
    }

    private synchronized void end() {
        if (ahead != null) {
            ahead.end();
            ahead = null;
        }
    }

    synchronized void forget() {
        end();
        last = null;
        pages = null;
    }

    /** So that nothing is left of what nobody goes on with. */
    private void watch() {
        if (!watched) {
            watched = true;
            Workers.later(this::forgetIfOver, LOOK_MILLIS);
        }
    }

    private synchronized void forgetIfOver() {
        watched = false;
        if (!busy && isOver()) {
            forget();
        } else if (last != null) {
            watch();
        }
    }
}

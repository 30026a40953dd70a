package io.hybridfs;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.hadoop.hdfs.DFSUtilClient;
import org.apache.hadoop.hdfs.protocol.DirectoryListing;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;

/**
 * One listing of one directory, answer by answer as they are needed, by whoever needs them first: the caller who goes
 * through it, or a scan that looks ahead.
 */
final class Pages {
    /** Children of which no whole listing is made: it would not be kept. */
    private static final int MOST = 200_000;

    final String path;
    /** By System.nanoTime(). */
    final long askedNanos = System.nanoTime();
    final long askedMillis = System.currentTimeMillis();
    private final ListingClient client;
    private final boolean located;
    private final byte[] start;
    private final List<HdfsFileStatus[]> pages = new CopyOnWriteArrayList<>();
    /** Answers that were asked for side by side, by the names that they start after. */
    private final TreeMap<byte[], CompletableFuture<DirectoryListing>> ahead =
        new TreeMap<>(DFSUtilClient::compareBytes);
    private byte[] last;
    private int known;
    private int answers;
    private volatile boolean ended;

    /** Of all children. {@code located}: with blocks. */
    Pages(ListingClient client, String path, boolean located) {
        this(client, path, located, HdfsFileStatus.EMPTY_NAME);
    }

    /** Of those whose names come after {@code start}. */
    Pages(ListingClient client, String path, boolean located, byte[] start) {
        this.client = client;
        this.path = path;
        this.located = located;
        this.start = start;
        this.last = start;
    }

    /**
     * Asks for all answers at once, if an earlier listing, however old, tells where they begin. Where it is wrong, more
     * is asked for later.
     */
    synchronized void guess(Listing earlier) {
        if (earlier.pages() < 2 || start.length > 0 || answers > 0) {
            return;
        }
        List<String> names = earlier.names();
        int each = (names.size() + earlier.pages() - 1) / earlier.pages();
        for (int place = each; place < names.size(); place += each) {
            byte[] name = DFSUtilClient.string2Bytes(names.get(place - 1));
            ahead.put(name, Workers.list(() -> client.page(path, name, located)));
        }
    }

    /** The answer at that place, in the NameNode's order and without what was told before; null behind the last. */
    synchronized HdfsFileStatus[] page(int place) throws IOException {
        while (place >= pages.size() && !ended) {
            DirectoryListing answer = next();
            HdfsFileStatus[] children = after(last, answer.getPartialListing());
            answers++;
            known += children.length;
            if (children.length > 0) {
                last = answer.getLastName();
                pages.add(children);
            }
            ended = !answer.hasMore();
        }
        return place < pages.size() ? pages.get(place) : null;
    }

    private DirectoryListing next() throws IOException {
        Map.Entry<byte[], CompletableFuture<DirectoryListing>> guessed = ahead.floorEntry(last);
        if (guessed == null) {
            return client.page(path, last, located);
        }
        ahead.headMap(last, true).clear();
        try {
            return Workers.await(guessed.getValue());
        } catch (IOException | RuntimeException e) {
            return client.page(path, last, located); // what is wrong is told to who asks on his own
        }
    }

    private static HdfsFileStatus[] after(byte[] last, HdfsFileStatus[] children) {
        int from = 0;
        while (from < children.length && last.length > 0
            && DFSUtilClient.compareBytes(children[from].getLocalNameInBytes(), last) <= 0) {
            from++;
        }
        return from == 0 ? children : Arrays.copyOfRange(children, from, children.length);
    }

    /** The answer at that place if it was taken already, else null; waits for nobody. */
    HdfsFileStatus[] known(int place) {
        return place < pages.size() ? pages.get(place) : null;
    }

    boolean hasEnded() {
        return ended;
    }

    synchronized int answers() {
        return answers;
    }

    /** Whether it is of a file, and not of a directory. */
    synchronized boolean isOfFile() {
        return pages.size() == 1 && !ListingClient.areChildren(Arrays.asList(pages.get(0)));
    }

    /** The whole; null unless every answer was taken, or if it is of no directory, or too large to be kept. */
    synchronized Listing whole() {
        if (!ended || start.length > 0 || isOfFile() || known > MOST) {
            return null;
        }
        List<HdfsFileStatus> children = new ArrayList<>(known);
        for (HdfsFileStatus[] page : pages) {
            Collections.addAll(children, page);
        }
        return Listing.of(path, null, children, askedNanos, askedMillis, answers);
    }
}

package io.hybridfs;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How far ahead of its caller a scan may fetch: the farther the more he used of what was fetched. Guarded by the scan.
 */
final class ScanWindow {
    /** Batches of all scans of a file system. */
    private static final int WIDEST = 8;
    /** What is fetched besides as much as was used: the worth of one answer. */
    private static final int GRACE = 100;
    /** Less is not worth an answer without blocks. */
    private static final int FEW = 10;
    /** Bytes of heap that all scans of this process may hold. */
    private static final long MOST = Math.min(256L << 20, Runtime.getRuntime().maxMemory() / 8);
    private static final AtomicLong HELD = new AtomicLong();

    private final ListingClient client;
    /** The scans of the same file system that go on. */
    private final AtomicInteger scans;
    private int batches = 1;
    private int used;
    private int wasted;
    /** What was asked for and is still ahead of the caller. */
    private int ahead;

    ScanWindow(ListingClient client, AtomicInteger scans) {
        this.client = client;
        this.scans = scans;
        scans.incrementAndGet();
    }

    void end() {
        scans.decrementAndGet();
    }

    /** From now on somebody will answer for it. */
    void asked(ScanNode node) {
        node.answer = new CompletableFuture<>();
        node.ahead = true;
        ahead++;
    }

    /** It shows the next level, or came to nothing, or was taken. */
    void arrived(ScanNode node) {
        ahead -= node.ahead ? 1 : 0;
        node.ahead = false;
    }

    void holds(ScanNode node, long bytes) {
        node.held = bytes;
        HELD.addAndGet(bytes);
    }

    static void release(ScanNode node) {
        HELD.addAndGet(-node.held);
        node.held = 0;
    }

    /** Bytes of heap. */
    static long held() {
        return HELD.get();
    }

    /** The caller got it, from the scan or on his own. */
    void used(ScanNode node) {
        if (!node.used) {
            node.used = true;
            used++;
        }
        arrived(node);
        release(node);
        if (wasted > used) {
            batches = 1;
        } else if (used >= batches * client.atOnce() / 2) {
            batches = Math.min(WIDEST, batches * 2);
        }
    }

    /** The caller left it behind. */
    void passed(ScanNode node) {
        wasted += node.answer != null && !node.used ? 1 : 0;
        arrived(node);
        release(node);
    }

    /** Whether it is proven that what is fetched is used. */
    boolean isProven() {
        return batches > 1;
    }

    static boolean isFull() {
        return HELD.get() >= MOST;
    }

    /** Whether something may be fetched now. {@code needed}: the caller waits for it. */
    boolean isOpen(boolean needed) {
        return !isFull() && room(needed) >= (needed ? Math.min(FEW, client.atOnce()) : client.atOnce());
    }

    /** How many directories may be in the next batch. */
    int room(boolean needed) {
        if (wasted > used) {
            return Math.min(client.atOnce(), used + GRACE - wasted - ahead);
        }
        int share = Math.min(batches, Math.max(1, WIDEST / Math.max(1, scans.get())));
        int room = share * client.atOnce() - ahead;
        return Math.min(client.atOnce(), needed ? Math.max(room, GRACE) : room);
    }
}

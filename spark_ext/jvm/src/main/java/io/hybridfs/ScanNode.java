package io.hybridfs;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.hadoop.hdfs.DFSUtilClient;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;

/** A directory that a scan knows of: what it answers, and what it shows of the next level. Guarded by the scan. */
final class ScanNode {
    final ScanNode parent;
    final String path;
    /** Among the directories of its parent. */
    final int place;
    /** By a real listing of its parent in this scan; null of the scan's uppermost directory. */
    final HdfsFileStatus record;
    /** What it will answer, null within it: whoever wants it asks on his own; null: not asked for yet. */
    CompletableFuture<Listing> answer;
    /** Whether the answer was reused. */
    boolean reused;
    /** Whether it is one that is still ahead of the caller, and nothing but an answer. */
    boolean ahead;
    /** Whether the caller got it, or something below it. */
    boolean used;
    /** Bytes of heap that it holds and that are accounted for. */
    long held;

    /** Its directories, as far as real listings of this scan have shown them. */
    final List<String> directories = new ArrayList<>();
    /** Those of them that the scan has to do with, by place. */
    final Map<Integer, ScanNode> children = new HashMap<>();
    /** The place that the caller has come to, if he has entered it. */
    int from;
    boolean entered;
    /** Where more is to be had, or null. */
    Pages more;
    /** Whether somebody asks for more. */
    boolean asking;
    /** Real listings, or parts of one, in order. */
    private final List<Listing> shown = new ArrayList<>();
    private byte[] shownAfter;
    private byte[] shownTo = HdfsFileStatus.EMPTY_NAME;
    private boolean toTheEnd;
    private int taken;

    ScanNode(ScanNode parent, String path, int place, HdfsFileStatus record) {
        this.parent = parent;
        this.path = path;
        this.place = place;
        this.record = record;
    }

    /** Whether the next level is known, or will be. */
    boolean isInner() {
        return !shown.isEmpty() || more != null;
    }

    /** From now on it shows what a real listing of this scan does. */
    void show(Listing whole) {
        shownAfter = HdfsFileStatus.EMPTY_NAME;
        add(whole);
        toTheEnd = true;
    }

    /** From now on it shows what {@code pages} shows, {@code startAfter} that name. */
    void show(Pages pages, byte[] startAfter) {
        more = pages;
        shownAfter = startAfter;
        shownTo = startAfter;
        taken = 0;
        toTheEnd = false;
        shown.clear();
        directories.clear();
        children.clear();
        from = 0;
        entered = false;
        absorb();
    }

    /** Takes what has arrived by now. */
    void absorb() {
        for (; more != null && more.known(taken) != null; taken++) {
            HdfsFileStatus[] page = more.known(taken);
            List<HdfsFileStatus> children = new ArrayList<>(page.length);
            Collections.addAll(children, page);
            if (ListingClient.areChildren(children)) {
                add(Listing.of(path, null, children, more.askedNanos, more.askedMillis, 1));
                shownTo = page[page.length - 1].getLocalNameInBytes();
            }
        }
        if (more != null && more.hasEnded() && more.known(taken) == null) {
            toTheEnd = true;
            more = null;
        }
    }

    private void add(Listing part) {
        shown.add(part);
        directories.addAll(part.directories());
    }

    /** Which page comes next. */
    int nextPage() {
        return taken;
    }

    /** Whether its real listings show whether there is a child of that name. */
    boolean tellsOf(String name) {
        byte[] bytes = DFSUtilClient.string2Bytes(name);
        return shownAfter != null && (shownAfter.length == 0 || DFSUtilClient.compareBytes(shownAfter, bytes) < 0)
            && (toTheEnd || DFSUtilClient.compareBytes(bytes, shownTo) <= 0);
    }

    /** The real listing that shows a child of that name, or null. */
    Listing shows(String name) {
        for (int i = shown.size() - 1; i >= 0; i--) {
            if (shown.get(i).child(name) != null) {
                return shown.get(i);
            }
        }
        return null;
    }

    /** The place of a directory, or -1; most often the next one. */
    int place(String name) {
        for (int place = from; place < directories.size() && place < from + 2; place++) {
            if (directories.get(place).equals(name)) {
                return place;
            }
        }
        int found = Collections.binarySearch(directories, name, PathOrder::names);
        return found < 0 ? -1 : found;
    }

    /** The child at a place, of which the scan knows from now on. */
    ScanNode child(int place) {
        return children.computeIfAbsent(place, absent -> {
            String name = directories.get(place);
            return new ScanNode(this, PathOrder.child(path, name), place, shows(name).child(name));
        });
    }

    /** The directory of that path, this one or one below; null if it is not shown, or not {@code all} and of no use. */
    ScanNode find(String wanted, boolean all) {
        ScanNode node = this;
        while (node != null && !node.path.equals(wanted)) {
            int at = PathOrder.isBelow(wanted, node.path) ? node.place(PathOrder.below(node.path, wanted)) : -1;
            node = at < 0 ? null : all ? node.child(at) : node.children.get(at);
        }
        return node;
    }

    /**
     * Adds directories that nobody asked for yet, in the caller's order; null, or the one that must show more before
     * there are more. {@code most}: how many there may be.
     */
    ScanNode collect(List<ScanNode> batch, int most) {
        absorb();
        for (int at = from; at < directories.size() && batch.size() < most; at++) {
            ScanNode child = children.get(at);
            if (child != null && child.isInner()) {
                ScanNode lacking = child.collect(batch, most);
                if (lacking != null) {
                    return lacking;
                }
            } else if (!(entered && at == from)
                && (child == null ? !isHidden(directories.get(at)) : child.answer == null)) {
                batch.add(child(at));
            }
        }
        return batch.size() < most && !toTheEnd && more != null ? this : null;
    }

    /** What engines leave out when they list a table. */
    private static boolean isHidden(String name) {
        return name.startsWith(".") || name.startsWith("_") && name.indexOf('=') < 0;
    }

    /** The caller has come to a place: what is before it is dropped. */
    void pass(int to, ScanWindow window) {
        if (to - from <= children.size()) {
            for (int behind = from; behind < to; behind++) {
                drop(children.remove(behind), window);
            }
        } else {
            children.values().removeIf(child -> {
                boolean isBehind = child.place < to;
                if (isBehind) {
                    drop(child, window);
                }
                return isBehind;
            });
        }
        from = Math.max(from, to);
        entered = true;
    }

    void dropAll(ScanWindow window) {
        children.values().forEach(child -> drop(child, window));
        children.clear();
    }

    private static void drop(ScanNode node, ScanWindow window) {
        if (node != null) {
            window.passed(node);
            if (node.answer != null) {
                node.answer.complete(null);
            }
            node.dropAll(window);
        }
    }
}

package io.hybridfs;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;

/**
 * What the NameNode told of a directory's children, packed (FORMAT 10); or that there was no such path. Immutable. Only
 * where {@link LocatedFile#AT_ONCE}.
 */
final class Listing {
    /** What a change of a directory within it need not move. */
    private static final long TICK_MILLIS = 60_000;
    /** Objects and references besides the arrays. */
    private static final int OVERHEAD = 160;

    /** As the NameNode names it: absolute, decoded, without a trailing slash. */
    final String path;
    final String[] texts;
    /** The directory's own record, by an earlier listing of its parent; or null. */
    final byte[] own;
    /** The children's records, in the NameNode's order. */
    final byte[] records;
    private final int size;
    private final boolean absent;
    private final boolean complete;
    private final long askedNanos;
    private final long askedMillis;
    private final int pages;
    /** By their place: those that no record tells wholly. */
    private final Map<Integer, HdfsFileStatus> beside;
    private volatile ListingIndex index;

    /** What is known of a listing besides its records. */
    static final class Head {
        final String path;
        final boolean absent;
        /** Whether all fileIds and numbers of children are known. */
        final boolean complete;
        /** When it was asked for, by System.nanoTime(). */
        final long askedNanos;
        /** The same by System.currentTimeMillis(). */
        final long askedMillis;
        final int pages;

        Head(String path, boolean absent, boolean complete, long askedNanos, long askedMillis, int pages) {
            this.path = path;
            this.absent = absent;
            this.complete = complete;
            this.askedNanos = askedNanos;
            this.askedMillis = askedMillis;
            this.pages = pages;
        }
    }

    Listing(Head head, String[] texts, byte[] own, byte[] records, int size, Map<Integer, HdfsFileStatus> beside) {
        this.path = head.path;
        this.absent = head.absent;
        this.complete = head.complete;
        this.askedNanos = head.askedNanos;
        this.askedMillis = head.askedMillis;
        this.pages = head.pages;
        this.texts = texts;
        this.own = own;
        this.records = records;
        this.size = size;
        this.beside = beside;
    }

    /**
     * {@code own}: the directory's status by a listing of its parent that was asked for before this one, or null;
     * {@code children}: with local names, in the NameNode's order; {@code askedNanos}, {@code askedMillis}: when the
     * first page was asked for, by System.nanoTime() and System.currentTimeMillis().
     */
    static Listing of(String path, HdfsFileStatus own, List<? extends HdfsFileStatus> children, long askedNanos,
                      long askedMillis, int pages) {
        Texts texts = new Texts();
        Packer records = new Packer(children.size() * (Records.FIXED + 48));
        Map<Integer, HdfsFileStatus> beside = new HashMap<>();
        boolean complete = true;
        for (int i = 0; i < children.size(); i++) {
            HdfsFileStatus child = children.get(i);
            // The listing of a file is one child without a name.
            complete &= Records.isComplete(child) && !child.isEmptyLocalName();
            if (!Records.write(child, child.getLocalNameInBytes(), records, texts)) {
                throw new IllegalArgumentException(path + " has children that a listing cannot hold");
            }
            if (!Records.tells(child)) {
                beside.put(i, child);
            }
        }
        Head head = new Head(path, false, complete, askedNanos, askedMillis, pages);
        return new Listing(head, texts.all(), null, records.packed(), children.size(),
            beside.isEmpty() ? Collections.emptyMap() : beside).withOwn(own);
    }

    /** There is no such path. */
    static Listing absent(String path, long askedNanos, long askedMillis) {
        return new Listing(new Head(path, true, true, askedNanos, askedMillis, 1), new String[0], null, new byte[0], 0,
            Collections.emptyMap());
    }

    /** The same with the directory's status; nothing changes where it is null or no record tells it. */
    Listing withOwn(HdfsFileStatus status) {
        Texts known = new Texts(texts);
        Packer record = new Packer(Records.FIXED);
        if (status == null || !Records.tells(status) || !Records.write(status, new byte[0], record, known)) {
            return this;
        }
        return new Listing(new Head(path, absent, complete && Records.isComplete(status), askedNanos, askedMillis,
            pages), known.all(), record.packed(), records, size, beside);
    }

    boolean isAbsent() {
        return absent;
    }

    boolean isComplete() {
        return complete;
    }

    int size() {
        return size;
    }

    long askedNanos() {
        return askedNanos;
    }

    long askedMillis() {
        return askedMillis;
    }

    /** Answers of the NameNode that it took. */
    int pages() {
        return pages;
    }

    /** Bytes of heap that it holds, about. */
    long bytes() {
        ListingIndex built = index;
        return OVERHEAD + 2L * path.length() + 8L * texts.length + (own == null ? 0 : own.length) + records.length
            + 512L * beside.size() + (built == null ? 0 : built.bytes());
    }

    /** Local names of all children, in the NameNode's order. */
    List<String> names() {
        return names(false);
    }

    /** Local names of those children that are directories. */
    List<String> directories() {
        return names(true);
    }

    private List<String> names(boolean ofDirectories) {
        List<String> names = new ArrayList<>();
        ByteBuffer in = Records.open(records);
        for (int at = 0; at < records.length; at = Records.next(in, at)) {
            if (!ofDirectories || Records.isDirectory(in, at)) {
                names.add(Records.name(in, at));
            }
        }
        return names;
    }

    boolean hasDirectories() {
        ByteBuffer in = Records.open(records);
        for (int at = 0; at < records.length; at = Records.next(in, at)) {
            if (Records.isDirectory(in, at)) {
                return true;
            }
        }
        return false;
    }

    /** The children, with local names, in the NameNode's order, as {@code listStatus} of plain HDFS gets them. */
    HdfsFileStatus[] statuses() {
        return statuses(false);
    }

    /** {@code located}: as {@code listLocatedStatus} gets them, with blocks that are on no host. */
    HdfsFileStatus[] statuses(boolean located) {
        HdfsFileStatus[] statuses = new HdfsFileStatus[size];
        ByteBuffer in = Records.open(records);
        int at = 0;
        for (int i = 0; i < size; i++, at = Records.next(in, at)) {
            HdfsFileStatus apart = beside.get(i);
            statuses[i] = apart == null ? Records.read(in, at, texts, located, false) : apart;
        }
        return statuses;
    }

    /** The child of that local name, or null. */
    HdfsFileStatus child(String name) {
        return child(name, false);
    }

    /** The same as {@code getFileStatus} of plain HDFS gets it: without a name. */
    HdfsFileStatus itself(String name) {
        return child(name, true);
    }

    private HdfsFileStatus child(String name, boolean nameless) {
        if (index == null) {
            index = new ListingIndex(records, size);
        }
        int place = index.find(name.getBytes(StandardCharsets.UTF_8));
        if (place < 0) {
            return null;
        }
        HdfsFileStatus apart = beside.get(place);
        return apart != null ? apart
            : Records.read(Records.open(records), index.start(place), texts, false, nameless);
    }

    /** The directory's own status with an empty name; null where it is not known. */
    HdfsFileStatus own() {
        return own == null ? null : Records.read(Records.open(own), 0, texts, false, true);
    }

    /** Whether {@code now}, of a later listing of the parent, shows that no child came, went or was renamed. */
    boolean sameDirectory(HdfsFileStatus now) {
        HdfsFileStatus before = own();
        return before != null && now.isDirectory() && Records.tells(now)
            && (before.getFileId() == now.getFileId() || before.getFileId() <= 0 || now.getFileId() <= 0)
            && before.getModificationTime() == now.getModificationTime()
            && before.getPermission().toShort() == now.getPermission().toShort()
            && Objects.equals(before.getOwner(), now.getOwner()) && Objects.equals(before.getGroup(), now.getGroup())
            && before.hasAcl() == now.hasAcl() && before.isErasureCoded() == now.isErasureCoded()
            && before.isSnapshotEnabled() == now.isSnapshotEnabled();
    }

    /**
     * Whether the directory had been left alone for long enough when this was asked for that a later change moved its
     * modification time; {@code nowMillis}: System.currentTimeMillis().
     */
    boolean isSettled(long nowMillis) {
        HdfsFileStatus status = own();
        return status != null && status.getModificationTime() <= nowMillis
            && askedMillis - status.getModificationTime() >= TICK_MILLIS;
    }

    /** Whether it can be an entry that any reader believes. */
    boolean isKeepable() {
        return complete && beside.isEmpty() && ListingFormat.dataLength(this) <= ListingFormat.LARGEST;
    }
}

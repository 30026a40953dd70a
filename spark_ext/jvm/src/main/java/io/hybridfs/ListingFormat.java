package io.hybridfs;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;

/** Where a listing is kept, and how (FORMAT 10). */
final class ListingFormat {
    /** Bytes of data. */
    static final int LARGEST = 16 << 20;
    private static final int FORM = 1;
    private static final int COMPLETE = 1;
    private static final int OWN = 2;
    private static final int ABSENT = 4;
    /** What stands before the texts: form, flags, boot id, both times, pages, number of texts. */
    private static final int HEAD = 1 + 1 + 16 + 8 + 8 + 4 + 2;

    final byte[] identity;
    final long number;
    /** Relative to a tier. */
    final String file;

    /** {@code domain}: as a file name; {@code uri}: the directory's, canonical. */
    ListingFormat(String domain, String uri) {
        String parent = CanonicalUri.parent(uri);
        String name = Digests.sha256Hex(utf8(domain + "\n" + (parent == null ? uri : parent) + "\nlistings"), 32);
        String own = parent == null ? "" : uri.substring(uri.lastIndexOf('/') + 1);
        identity = utf8(domain + "\n" + uri + "\nlisting");
        number = Long.parseLong(Digests.sha256Hex(utf8(own), 15), 16);
        file = "v1/" + domain + "/" + name.substring(0, 2) + "/" + name + "/" + number;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** A trailer's identity is short: a file that is larger is none. */
    static int largestFile() {
        return LARGEST + BlockFormat.trailerLength(LARGEST, 1 << 16);
    }

    static long dataLength(Listing listing) {
        long length = HEAD + 4L + listing.records.length + (listing.own == null ? 0 : listing.own.length);
        for (String text : listing.texts) {
            length += 2 + utf8(text).length;
        }
        return length;
    }

    /** {@code boot}: the host's, 16 bytes. */
    static byte[] data(Listing listing, byte[] boot) {
        Packer out = new Packer((int) dataLength(listing));
        out.u8(FORM).u8((listing.isComplete() ? COMPLETE : 0) | (listing.own == null ? 0 : OWN)
            | (listing.isAbsent() ? ABSENT : 0)).bytes(boot).u64(listing.askedNanos()).u64(listing.askedMillis())
            .u32(listing.pages()).u16(listing.texts.length);
        for (String text : listing.texts) {
            byte[] utf8 = utf8(text);
            out.u16(utf8.length).bytes(utf8);
        }
        if (listing.own != null) {
            out.bytes(listing.own);
        }
        return out.u32(listing.size()).bytes(listing.records).packed();
    }

    byte[] trailer(Listing listing, byte[] data) {
        long fileId = listing.own == null ? 0 : listing.own().getFileId();
        return BlockFormat.trailer(data, identity, Math.max(0, fileId), number);
    }

    /**
     * What an entry's file holds; null if it is not of this boot, or of a form or of a policy that this reader does not
     * know. Throws {@link BlockFormat.Rejected}.
     */
    Listing parse(byte[] entry, String path, byte[] boot) throws BlockFormat.Rejected {
        int length = BlockFormat.listingLength(entry, identity, number);
        ByteBuffer in = ByteBuffer.wrap(entry, 0, length).order(ByteOrder.LITTLE_ENDIAN);
        try {
            return in.get() == FORM ? parse(in, path, boot) : null;
        } catch (BufferUnderflowException | IndexOutOfBoundsException | NegativeArraySizeException e) {
            throw malformed();
        }
    }

    private static BlockFormat.Rejected malformed() {
        return new BlockFormat.Rejected("listing", true, false);
    }

    private static Listing parse(ByteBuffer in, String path, byte[] boot) throws BlockFormat.Rejected {
        int flags = in.get();
        byte[] of = new byte[16];
        in.get(of);
        long nanos = in.getLong();
        long millis = in.getLong();
        int pages = in.getInt();
        String[] texts = texts(in);
        int start = in.position();
        boolean known = (flags & OWN) == 0 || check(in, texts, true);
        byte[] own = (flags & OWN) == 0 ? null : Arrays.copyOfRange(in.array(), start, in.position());
        int size = in.getInt();
        start = in.position();
        for (int i = 0; i < size; i++) {
            known &= check(in, texts, false);
        }
        boolean absent = (flags & ABSENT) != 0;
        if (in.hasRemaining() || size < 0 || absent && (size > 0 || own != null)) {
            throw malformed();
        }
        byte[] records = Arrays.copyOfRange(in.array(), start, in.position());
        return !known || !Arrays.equals(of, boot) ? null
            : new Listing(new Listing.Head(path, absent, (flags & COMPLETE) != 0, nanos, millis, pages), texts, own,
                records, size, Collections.emptyMap());
    }

    private static String[] texts(ByteBuffer in) {
        String[] texts = new String[in.getShort() & 0xffff];
        for (int i = 0; i < texts.length; i++) {
            byte[] utf8 = new byte[in.getShort() & 0xffff];
            in.get(utf8);
            // All of a cluster's listings have few of them.
            texts[i] = new String(utf8, StandardCharsets.UTF_8).intern();
        }
        return texts;
    }

    /** Passes a record; false of one that tells what this reader cannot. */
    private static boolean check(ByteBuffer in, String[] texts, boolean own) throws BlockFormat.Rejected {
        int at = in.position();
        int next = Records.next(in, at);
        if (next > in.limit() || own != (Records.nameLength(in, at) == 0) || !Records.isSound(in, at, texts.length)) {
            throw malformed();
        }
        in.position(next);
        return Records.isKnown(in, at, texts);
    }
}

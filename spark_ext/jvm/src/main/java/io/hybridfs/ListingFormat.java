package io.hybridfs;

/** The data of an entry (FORMAT 10). */
final class ListingFormat {
    /** Bytes of data. */
    static final int LARGEST = 16 << 20;
    /** What stands before the texts: form, flags, boot id, both times, pages, number of texts. */
    private static final int HEAD = 1 + 1 + 16 + 8 + 8 + 4 + 2;

    private ListingFormat() {
    }

    static long dataLength(Listing listing) {
        long length = HEAD + 4L + listing.records.length + (listing.own == null ? 0 : listing.own.length);
        for (String text : listing.texts) {
            length += 2 + text.getBytes(java.nio.charset.StandardCharsets.UTF_8).length;
        }
        return length;
    }
}

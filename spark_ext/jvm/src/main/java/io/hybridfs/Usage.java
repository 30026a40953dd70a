package io.hybridfs;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the file {@code usage} of a tier says (FORMAT 7). */
final class Usage {
    static final Usage NONE = new Usage(0, 0, 0);
    private static final Pattern TEXT =
        Pattern.compile("bytes=(\\d{1,18})\nblocks=(\\d{1,18})\nunlinked=(\\d{1,18})\n");

    /** On disk: what the last count found, less what evictors unlinked since. */
    final long bytes;
    /** That the last count found. */
    final long blocks;
    /** Blocks, since the last count. */
    final long unlinked;

    Usage(long bytes, long blocks, long unlinked) {
        this.bytes = bytes;
        this.blocks = blocks;
        this.unlinked = unlinked;
    }

    /** Null when it is garbled. */
    static Usage parse(String text) {
        Matcher match = TEXT.matcher(text);
        return !match.matches() ? null
            : new Usage(Long.parseLong(match.group(1)), Long.parseLong(match.group(2)), Long.parseLong(match.group(3)));
    }

    /** Whether so many were unlinked that a count is paid for. */
    boolean isWorn() {
        return unlinked > 0 && unlinked >= blocks;
    }

    @Override
    public String toString() {
        return "bytes=" + bytes + "\nblocks=" + blocks + "\nunlinked=" + unlinked + "\n";
    }
}

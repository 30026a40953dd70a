package io.hybridfs;

import java.util.Arrays;
import org.apache.hadoop.hdfs.DFSUtilClient;

/** Paths in the order in which listings show them and a walk, depth first, comes by them. */
final class PathOrder {
    /** Of a name's bytes; HDFS compares them signed. */
    private static final byte GREATEST = Byte.MAX_VALUE;
    private static final int ODD = 16;

    private PathOrder() {
    }

    /** Of names, as HDFS orders them. */
    static int names(String one, String other) {
        return DFSUtilClient.compareBytes(DFSUtilClient.string2Bytes(one), DFSUtilClient.string2Bytes(other));
    }

    /** Whether a walk comes by {@code path} after {@code earlier}; a directory stands before what is below it. */
    static boolean isAfter(String path, String earlier) {
        if (isBelow(path, earlier)) {
            return true;
        }
        int from = common(path, earlier);
        return from < path.length() && from < earlier.length() && !isBelow(earlier, path)
            && names(component(path, from), component(earlier, from)) > 0;
    }

    /** Whether {@code path} is below {@code dir}, at any depth. */
    static boolean isBelow(String path, String dir) {
        return dir.equals("/") ? path.length() > 1
            : path.length() > dir.length() && path.charAt(dir.length()) == '/' && path.startsWith(dir);
    }

    /** The parent; null of the root directory. */
    static String parent(String path) {
        int slash = path.lastIndexOf('/');
        return path.length() == 1 ? null : slash == 0 ? "/" : path.substring(0, slash);
    }

    static String name(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    static String child(String dir, String name) {
        return dir.equals("/") ? dir + name : dir + "/" + name;
    }

    /** The directory that both are in or below, which neither is. */
    static String above(String one, String other) {
        int from = common(one, other);
        String dir = one.substring(0, Math.max(1, from - 1));
        return dir.equals(one) || dir.equals(other) ? parent(dir) : dir;
    }

    static int depth(String path) {
        int slashes = 0;
        for (int i = 0; i < path.length(); i++) {
            slashes += path.charAt(i) == '/' ? 1 : 0;
        }
        return path.length() == 1 ? 0 : slashes;
    }

    /** The component of {@code path} right below {@code dir}. */
    static String below(String dir, String path) {
        return component(path, dir.equals("/") ? 1 : dir.length() + 1);
    }

    /** Where the first components start that differ. */
    private static int common(String one, String other) {
        int start = 1;
        int end = Math.min(one.length(), other.length());
        int i = 0;
        while (i < end && one.charAt(i) == other.charAt(i)) {
            start = one.charAt(i) == '/' ? i + 1 : start;
            i++;
        }
        return start;
    }

    private static String component(String path, int from) {
        int slash = path.indexOf('/', from);
        return slash < 0 ? path.substring(from) : path.substring(from, slash);
    }

    /** A name after which a listing begins with that of {@code name}, or a few that hardly anybody gives. */
    static byte[] before(String name) {
        byte[] bytes = DFSUtilClient.string2Bytes(name);
        int last = bytes.length - 1;
        if (bytes[last] == Byte.MIN_VALUE) {
            return Arrays.copyOf(bytes, last);
        }
        byte[] before = Arrays.copyOf(bytes, last + ODD);
        before[last]--;
        Arrays.fill(before, last + 1, before.length, GREATEST);
        return before;
    }
}

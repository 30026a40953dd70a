package io.hybridfs;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** XXH64 with seed 0. Own, because not every client of Hadoop has a library that brings it. */
final class Xxh64 {
    private static final long P1 = 0x9E3779B185EBCA87L;
    private static final long P2 = 0xC2B2AE3D27D4EB4FL;
    private static final long P3 = 0x165667B19E3779F9L;
    private static final long P4 = 0x85EBCA77C2B2AE63L;
    private static final long P5 = 0x27D4EB2F165667C5L;

    private Xxh64() {
    }

    static long hash(byte[] data, int offset, int length) {
        ByteBuffer in = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
        int at = offset;
        int end = offset + length;
        long hash = P5;
        if (length >= 32) {
            long a = P1 + P2;
            long b = P2;
            long c = 0;
            long d = -P1;
            for (int last = end - 32; at <= last; at += 32) {
                a = round(a, in.getLong(at));
                b = round(b, in.getLong(at + 8));
                c = round(c, in.getLong(at + 16));
                d = round(d, in.getLong(at + 24));
            }
            hash = Long.rotateLeft(a, 1) + Long.rotateLeft(b, 7) + Long.rotateLeft(c, 12) + Long.rotateLeft(d, 18);
            hash = merge(merge(merge(merge(hash, a), b), c), d);
        }
        return tail(hash + length, in, at, end);
    }

    private static long tail(long start, ByteBuffer in, int from, int end) {
        long hash = start;
        int at = from;
        for (; at + 8 <= end; at += 8) {
            hash = Long.rotateLeft(hash ^ round(0, in.getLong(at)), 27) * P1 + P4;
        }
        if (at + 4 <= end) {
            hash = Long.rotateLeft(hash ^ (in.getInt(at) & 0xFFFFFFFFL) * P1, 23) * P2 + P3;
            at += 4;
        }
        for (; at < end; at++) {
            hash = Long.rotateLeft(hash ^ (in.get(at) & 0xFFL) * P5, 11) * P1;
        }
        hash = (hash ^ hash >>> 33) * P2;
        hash = (hash ^ hash >>> 29) * P3;
        return hash ^ hash >>> 32;
    }

    private static long round(long accumulator, long input) {
        return Long.rotateLeft(accumulator + input * P2, 31) * P1;
    }

    private static long merge(long hash, long accumulator) {
        return (hash ^ round(0, accumulator)) * P1 + P4;
    }
}

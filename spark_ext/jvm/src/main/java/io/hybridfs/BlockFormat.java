package io.hybridfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Arrays;

/** The trailer that follows the data of a block or of a listing (FORMAT 4 and 10). */
final class BlockFormat {
    static final int CHUNK = 64 << 10;
    /** "HYBRIDFS", read as a little-endian number. */
    private static final long MAGIC = 0x5346444952425948L;
    private static final short VERSION = 1;
    private static final short XXH64 = 1;
    private static final int FIXED = 48;
    private static final int LONGEST_IDENTITY = 65_536;

    private BlockFormat() {
    }

    /** Why a block is no hit. */
    static final class Rejected extends IOException {
        private static final long serialVersionUID = 1L;
        /** Whether the file is removed: it can serve nobody. */
        final boolean unlink;
        /** Whether it is of another version of the file, rather than damaged. */
        final boolean otherVersion;

        Rejected(String why, boolean unlink, boolean otherVersion) {
            super(why);
            this.unlink = unlink;
            this.otherVersion = otherVersion;
        }
    }

    static int chunks(int dataLength) {
        return (dataLength + CHUNK - 1) / CHUNK;
    }

    static int trailerLength(int dataLength, int identityLength) {
        return 8 * chunks(dataLength) + identityLength + FIXED;
    }

    /** The trailer of {@code data[offset .. offset + length)}. */
    static byte[] trailer(byte[] data, int offset, int length, Layout layout, long validator, long block) {
        return trailer(data, offset, length, layout.identity, layout.blockSize, validator, block);
    }

    private static byte[] trailer(byte[] data, int offset, int length, byte[] identity, int blockSize, long validator,
                                  long number) {
        ByteBuffer out = ByteBuffer.allocate(trailerLength(length, identity.length)).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 0; at < length; at += CHUNK) {
            out.putLong(Xxh64.hash(data, offset + at, Math.min(CHUNK, length - at)));
        }
        out.put(identity).putLong(validator).putLong(number).putInt(length).putInt(identity.length)
            .putInt(blockSize).putShort(XXH64).putShort(VERSION);
        return out.putLong(Xxh64.hash(out.array(), 0, out.position())).putLong(MAGIC).array();
    }

    /** The trailer of a listing's data. */
    static byte[] trailer(byte[] data, byte[] identity, long validator, long number) {
        return trailer(data, 0, data.length, identity, 0, validator, number);
    }

    /** How much of {@code file} is a listing's data, all of it checked; throws {@link Rejected} of any other file. */
    static int listingLength(byte[] file, byte[] identity, long number) throws Rejected {
        ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int fixed = file.length - FIXED;
        int length = fixed < 0 ? 0 : in.getInt(fixed + 16);
        int named = fixed < 0 ? 0 : in.getInt(fixed + 20);
        if (length <= 0 || length > fixed || named <= 0 || named > LONGEST_IDENTITY
            || (long) length + trailerLength(length, named) != file.length) {
            throw new Rejected("size", true, false);
        }
        in.position(length);
        ByteBuffer trailer = in.slice().order(ByteOrder.LITTLE_ENDIAN);
        check(trailer, file, length, named, 0, length, number);
        long[] sums = sums(trailer, length);
        for (int i = 0; i < sums.length; i++) {
            if (Xxh64.hash(file, i * CHUNK, Math.min(CHUNK, length - i * CHUNK)) != sums[i]) {
                throw new Rejected("chunk", true, false);
            }
        }
        if (!Arrays.equals(Arrays.copyOfRange(file, length + 8 * sums.length, fixed), identity)) {
            throw new Rejected("identity", false, false);
        }
        return length;
    }

    /** Of a trailer, {@code array[start ...]}, that all its fields are as expected. */
    private static void check(ByteBuffer in, byte[] array, int start, int identityLength, int blockSize, int length,
                              long number) throws Rejected {
        int fixed = in.capacity() - FIXED;
        if (in.getLong(fixed + 40) != MAGIC
            || in.getLong(fixed + 32) != Xxh64.hash(array, start, fixed + 32)
            || in.getShort(fixed + 30) != VERSION || in.getShort(fixed + 28) != XXH64
            || in.getInt(fixed + 24) != blockSize || in.getInt(fixed + 20) != identityLength
            || in.getInt(fixed + 16) != length || in.getLong(fixed + 8) != number) {
            throw new Rejected("trailer", true, false);
        }
    }

    private static long[] sums(ByteBuffer trailer, int length) {
        long[] sums = new long[chunks(length)];
        trailer.asLongBuffer().get(sums);
        return sums;
    }

    /** The checksums of the chunks of a block that is as expected; throws {@link Rejected} of any other. */
    static long[] readTrailer(FileChannel file, Layout layout, long validator, long block) throws IOException {
        int length = layout.dataLength(block);
        ByteBuffer in = ByteBuffer.allocate(trailerLength(length, layout.identity.length))
            .order(ByteOrder.LITTLE_ENDIAN);
        if (file.size() != (long) length + in.capacity()) {
            throw new Rejected("size", true, false);
        }
        readFully(file, length, in);
        int fixed = in.capacity() - FIXED;
        check(in, in.array(), 0, layout.identity.length, layout.blockSize, length, block);
        long[] sums = sums(in, length);
        byte[] identity = Arrays.copyOfRange(in.array(), 8 * sums.length, fixed);
        if (!Arrays.equals(identity, layout.identity)) {
            throw new Rejected("identity", false, false);
        }
        if (!FileVersion.agree(in.getLong(fixed), validator)) {
            throw new Rejected("validator", true, true);
        }
        return sums;
    }

    /** Fills {@code into} from {@code position} and flips it; {@link Rejected} when the file is shorter. */
    static void readFully(FileChannel file, long position, ByteBuffer into) throws IOException {
        int start = into.position();
        while (into.hasRemaining()) {
            if (file.read(into, position + into.position() - start) < 0) {
                throw new Rejected("truncated", true, false);
            }
        }
        into.flip();
    }
}

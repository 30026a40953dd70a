package io.hybridfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Arrays;

/** The trailer that follows a block's data (FORMAT 4). */
final class BlockFormat {
    static final int CHUNK = 64 << 10;
    /** "HYBRIDFS", read as a little-endian number. */
    private static final long MAGIC = 0x5346444952425948L;
    private static final short VERSION = 1;
    private static final short XXH64 = 1;
    private static final int FIXED = 48;

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
        ByteBuffer out = ByteBuffer.allocate(trailerLength(length, layout.identity.length))
            .order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 0; at < length; at += CHUNK) {
            out.putLong(Xxh64.hash(data, offset + at, Math.min(CHUNK, length - at)));
        }
        out.put(layout.identity).putLong(validator).putLong(block).putInt(length).putInt(layout.identity.length)
            .putInt(layout.blockSize).putShort(XXH64).putShort(VERSION);
        return out.putLong(Xxh64.hash(out.array(), 0, out.position())).putLong(MAGIC).array();
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
        if (in.getLong(fixed + 40) != MAGIC
            || in.getLong(fixed + 32) != Xxh64.hash(in.array(), 0, fixed + 32)
            || in.getShort(fixed + 30) != VERSION || in.getShort(fixed + 28) != XXH64
            || in.getInt(fixed + 24) != layout.blockSize || in.getInt(fixed + 20) != layout.identity.length
            || in.getInt(fixed + 16) != length || in.getLong(fixed + 8) != block) {
            throw new Rejected("trailer", true, false);
        }
        long[] sums = new long[chunks(length)];
        in.asLongBuffer().get(sums);
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

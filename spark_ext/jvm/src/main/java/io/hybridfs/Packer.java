package io.hybridfs;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/** Bytes that grow, with little-endian integers. */
final class Packer extends ByteArrayOutputStream {
    Packer(int size) {
        super(size);
    }

    Packer u8(int value) {
        write(value);
        return this;
    }

    Packer u16(int value) {
        write(value);
        write(value >> 8);
        return this;
    }

    Packer u32(int value) {
        return u16(value).u16(value >> 16);
    }

    Packer u64(long value) {
        return u32((int) value).u32((int) (value >> 32));
    }

    Packer bytes(byte[] data) {
        write(data, 0, data.length);
        return this;
    }

    /** A copy, or the array itself where it is full. */
    byte[] packed() {
        return count == buf.length ? buf : Arrays.copyOf(buf, count);
    }
}

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** What a file holds from one mutation to the next; the same bytes as content.py makes. */
final class Content {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long ODD = 0x9E3779B97F4A7C15L;
    private static final long ODD_TOO = 0xD6E8FEB86659FD93L;

    /** Bytes; -1: there is no file. */
    final long length;
    private final long[] starts;
    private final long[] generations;

    /** {@code packed}: length, then start and generation of each segment. */
    Content(long[] packed) {
        length = packed[0];
        starts = new long[packed.length / 2];
        generations = new long[packed.length / 2];
        for (int i = 0; i < starts.length; i++) {
            starts[i] = packed[1 + 2 * i];
            generations[i] = packed[2 + 2 * i];
        }
    }

    boolean absent() {
        return length < 0;
    }

    private static long word(long generation, long index) {
        long x = (generation << 32 | index) * ODD;
        x = (x ^ x >>> 32) * ODD_TOO;
        return x ^ x >>> 32;
    }

    private static byte at(long generation, long position) {
        return (byte) (word(generation, position >>> 3) >>> 8 * (position & 7));
    }

    /** Its bytes from {@code offset} on, which must lie within it. */
    byte[] bytes(long offset, int size) {
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++) {
            bytes[i] = at(generations[segment(offset + i)], offset + i);
        }
        return bytes;
    }

    private int segment(long position) {
        int segment = starts.length - 1;
        while (starts[segment] > position) {
            segment--;
        }
        return segment;
    }

    /** Whether the first {@code size} bytes of {@code data} are its bytes at {@code offset}. */
    boolean holds(long offset, byte[] data, int size) {
        if (offset + size > length) {
            return false;
        }
        int i = 0;
        while (i < size) {
            int segment = segment(offset + i);
            long end = segment + 1 < starts.length ? starts[segment + 1] : length;
            int until = (int) Math.min(size, end - offset);
            if (!holds(generations[segment], offset, data, i, until)) {
                return false;
            }
            i = until;
        }
        return true;
    }

    private static boolean holds(long generation, long offset, byte[] data, int from, int until) {
        int i = from;
        while (i < until) {
            if ((offset + i & 7) == 0 && i + 8 <= until) {
                if ((long) LONG.get(data, i) != word(generation, offset + i >>> 3)) {
                    return false;
                }
                i += 8;
            } else if (data[i] != at(generation, offset + i)) {
                return false;
            } else {
                i++;
            }
        }
        return true;
    }
}

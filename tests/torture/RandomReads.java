import java.util.Iterator;
import java.util.Random;

/** Reads by a seed until so many seconds are over, of the kinds and sizes of plan.py. */
final class RandomReads implements Iterator<long[]> {
    private static final int SLOTS = 8;
    /** In thousandths, by the number of the operation: open, read, pread, seek, ranges, whole. */
    private static final int[] SHARES = {117, 425, 274, 95, 50, 39};

    private final Random draw;
    private final long until;
    private final int files;

    RandomReads(long seed, double seconds, int files) {
        this.draw = new Random(seed);
        this.until = System.nanoTime() + (long) (seconds * 1e9);
        this.files = files;
    }

    @Override
    public boolean hasNext() {
        return System.nanoTime() < until;
    }

    @Override
    public long[] next() {
        int code = 0;
        for (int left = draw.nextInt(1000); left >= SHARES[code]; code++) {
            left -= SHARES[code];
        }
        int slot = draw.nextInt(SLOTS);
        int file = popular();
        switch (code) {
            case 0:
                return new long[] {code, slot, file, draw.nextInt(7) == 0 ? 1 : 0};
            case 1:
                return new long[] {code, slot, file, size()};
            case 2:
                return new long[] {code, slot, file, place(), size()};
            case 3:
                return new long[] {code, slot, file, place()};
            case 4:
                return new long[] {code, slot, file, popular(), place(), size(), place(), size(), place(), size()};
            default:
                return new long[] {code, slot, file};
        }
    }

    private int popular() {
        double fraction = draw.nextDouble();
        return (int) (files * fraction * fraction);
    }

    private long place() {
        return draw.nextInt(1 << 30);
    }

    private long size() {
        return 1 + (draw.nextInt(10) < 7 ? draw.nextInt(4 << 10) : draw.nextInt(3 << 16));
    }
}

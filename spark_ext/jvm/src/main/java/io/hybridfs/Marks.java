package io.hybridfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;

/** A sum over all processes without a lock: a file that holds a byte for each MiB (FORMAT 7, {@code published}). */
final class Marks {
    static final int UNIT = 1 << 20;

    private final Path file;
    private final Modes modes;
    /** Random at first: processes end with one, and yet the sum is right on average. */
    private long remainder = ThreadLocalRandom.current().nextInt(UNIT);

    Marks(Path file, Modes modes) {
        this.file = file;
        this.modes = modes;
    }

    /** Adds bytes; true when a whole MiB was told to the other processes. */
    boolean add(long bytes) throws IOException {
        int whole = carry(bytes);
        if (whole == 0) {
            return false;
        }
        byte[] marks = new byte[whole];
        Arrays.fill(marks, (byte) '.');
        try (FileChannel out = open()) {
            out.write(ByteBuffer.wrap(marks));
        }
        return true;
    }

    private FileChannel open() throws IOException {
        try {
            return modes.open(file, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
        } catch (NoSuchFileException directoryMissing) {
            modes.makeDirectory(file.getParent());
            return modes.open(file, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
        }
    }

    private synchronized int carry(long bytes) {
        remainder += bytes;
        int whole = (int) (remainder / UNIT);
        remainder %= UNIT;
        return whole;
    }

    /** MiB that all processes added. */
    long count() throws IOException {
        try {
            return Files.size(file);
        } catch (NoSuchFileException none) {
            return 0;
        }
    }

    /** Takes off what an evictor has dealt with; what was added meanwhile stays. */
    void drop(long count) throws IOException {
        if (count > 0) {
            try (FileChannel marks = modes.open(file, StandardOpenOption.WRITE)) {
                marks.truncate(Math.max(0, marks.size() - count));
            }
        }
    }
}

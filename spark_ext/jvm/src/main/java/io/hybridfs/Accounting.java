package io.hybridfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/** How many bytes a tier holds: the last scan, and what all processes published since (FORMAT 7). */
final class Accounting {
    private static final int MIB = 1 << 20;
    private static final int PAGE = 4096;

    private final Path usage;
    private final Path published;
    private final Path temporary;
    private final Modes modes;
    private final AtomicLong remainder = new AtomicLong();

    Accounting(Path dir, Modes modes) {
        this.usage = dir.resolve("usage");
        this.published = dir.resolve("published");
        this.temporary = dir.resolve("v1/tmp");
        this.modes = modes;
    }

    /** Bytes on disk of a file of {@code size}: Java does not show st_blocks. */
    static long onDisk(long size) {
        return (size + PAGE - 1) / PAGE * PAGE;
    }

    /** Notes bytes on disk; true when a whole MiB was told to the other processes: the time to look at the budget. */
    boolean publish(long bytes) throws IOException {
        long whole = remainder.addAndGet(bytes) / MIB;
        if (whole == 0) {
            return false;
        }
        remainder.addAndGet(-whole * MIB);
        byte[] marks = new byte[(int) whole];
        Arrays.fill(marks, (byte) '.');
        try (FileChannel out = modes.open(published, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
            out.write(ByteBuffer.wrap(marks));
        }
        return true;
    }

    long total() throws IOException {
        return scanned() + marks() * MIB;
    }

    /**
     * What a scan found, less what its evictor unlinked. {@code before}: the marks when it began; what was published
     * since may have escaped it, and stays noted.
     */
    void reset(long bytes, long before) throws IOException {
        Path fresh = temporary.resolve(ProcessInfo.uniqueName());
        try (FileChannel out = modes.create(fresh)) {
            out.write(ByteBuffer.wrap(("bytes=" + bytes + "\n").getBytes(StandardCharsets.US_ASCII)));
        }
        Files.move(fresh, usage, StandardCopyOption.ATOMIC_MOVE);
        try (FileChannel marks = modes.open(published, StandardOpenOption.WRITE)) {
            marks.truncate(Math.max(0, marks.size() - before));
        }
    }

    private long scanned() throws IOException {
        try {
            String text = new String(Files.readAllBytes(usage), StandardCharsets.US_ASCII).trim();
            return text.matches("bytes=\\d{1,18}") ? Long.parseLong(text.substring(6)) : 0;
        } catch (NoSuchFileException neverScanned) {
            return 0;
        }
    }

    /** MiB that all processes published since the last scan. */
    long marks() throws IOException {
        try {
            return Files.size(published);
        } catch (NoSuchFileException nothingPublished) {
            return 0;
        }
    }
}

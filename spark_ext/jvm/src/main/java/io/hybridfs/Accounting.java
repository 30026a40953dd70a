package io.hybridfs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** How many bytes a tier holds: what was found and what all processes published since (FORMAT 7). */
final class Accounting {
    private static final int PAGE = 4096;

    final Path published;
    private final Path usage;
    private final Path temporary;
    private final Modes modes;
    private final Marks marks;

    Accounting(Path dir, Modes modes) {
        this.usage = dir.resolve("usage");
        this.published = dir.resolve("published");
        this.temporary = Publisher.temporary(dir);
        this.modes = modes;
        this.marks = new Marks(published, modes);
    }

    /** Bytes on disk of a file of {@code size}: Java does not show st_blocks. */
    static long onDisk(long size) {
        return (size + PAGE - 1) / PAGE * PAGE;
    }

    /** In a new tier nothing has to be counted. */
    void begin() throws IOException {
        if (!Files.exists(usage)) {
            write(Usage.NONE);
        }
    }

    /** Notes bytes on disk; true when a whole MiB was told to the other processes: the time to look at the budget. */
    boolean publish(long bytes) throws IOException {
        return marks.add(bytes);
    }

    /** Bytes that the tier holds, as far as is known. */
    long total() throws IOException {
        Usage known = usage();
        return (known == null ? 0 : known.bytes) + marks() * Marks.UNIT;
    }

    /** MiB that all processes published since the last count or eviction. */
    long marks() throws IOException {
        return marks.count();
    }

    /** Null when it is missing or garbled, or no file. */
    Usage usage() throws IOException {
        try {
            return Files.isRegularFile(usage, LinkOption.NOFOLLOW_LINKS) ? Usage.parse(Modes.read(usage)) : null;
        } catch (NoSuchFileException never) {
            return null;
        }
    }

    /**
     * What an evictor found and left. {@code before}: the marks when it began; what was published since may have
     * escaped it, and stays noted.
     */
    void record(Usage found, long before) throws IOException {
        write(found);
        marks.drop(before);
    }

    private void write(Usage found) throws IOException {
        Path fresh = temporary.resolve(ProcessInfo.uniqueName());
        try {
            modes.write(fresh, found.toString());
            Files.move(fresh, usage, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            fresh.toFile().delete();
            throw e;
        }
    }
}

package io.hybridfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Makes block files appear in a tier whole or not at all (FORMAT 5). */
final class Publisher {
    private static final int ATTEMPTS = 3;
    private static final String TEMPORARY = "v1/tmp";

    final Path temporary;
    private final Path dir;
    private final Modes modes;

    Publisher(Path dir, Modes modes) {
        this.dir = dir;
        this.modes = modes;
        this.temporary = temporary(dir);
    }

    /** Where files of a tier are written that are to be renamed. */
    static Path temporary(Path tier) {
        return tier.resolve(TEMPORARY);
    }

    /** Whether the tier is there; then a directory that vanished was an evictor's, and nothing is wrong. */
    boolean isThere() {
        return Files.isDirectory(temporary);
    }

    void makeDirectories() throws IOException {
        modes.makeRoot(dir);
        modes.makeDirectory(dir.resolve("v1"));
        modes.makeDirectory(temporary);
    }

    /** Publishes a file of these parts at {@code block}, relative to the tier; returns its size. */
    long publish(String block, ByteBuffer... parts) throws IOException {
        Path fresh = temporary.resolve(ProcessInfo.uniqueName());
        try {
            long size = write(fresh, parts);
            modes.patiently(() -> moveInto(fresh, dir.resolve(block)));
            return size;
        } catch (IOException e) {
            fresh.toFile().delete();
            throw e;
        }
    }

    private long write(Path fresh, ByteBuffer... parts) throws IOException {
        long size = 0;
        try (FileChannel out = create(fresh)) {
            while (parts[parts.length - 1].hasRemaining()) {
                size += out.write(parts);
            }
        }
        AccessTimes.equalise(fresh);
        return size;
    }

    private FileChannel create(Path fresh) throws IOException {
        try {
            return modes.create(fresh);
        } catch (NoSuchFileException directoryRemoved) {
            makeDirectories();
            return modes.create(fresh);
        }
    }

    private Path moveInto(Path fresh, Path block) throws IOException {
        for (int attempt = 0; ; attempt++) {
            try {
                if (attempt > 0) {
                    modes.makeDirectories(dir.resolve("v1"), block.getParent());
                }
                return Files.move(fresh, block, StandardCopyOption.ATOMIC_MOVE);
            } catch (NoSuchFileException newOrEvictorRemovedDirectory) {
                if (attempt == ATTEMPTS) {
                    throw newOrEvictorRemovedDirectory;
                }
            }
        }
    }
}

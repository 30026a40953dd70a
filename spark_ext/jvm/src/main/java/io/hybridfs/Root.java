package io.hybridfs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.UUID;

/** The directory that names a host's cache: its id and its block size (FORMAT 1). */
final class Root {
    final Path dir;
    final Modes modes;
    final String cacheId;
    final int blockSize;

    private Root(Path dir, Modes modes, String cacheId, int blockSize) {
        this.dir = dir;
        this.modes = modes;
        this.cacheId = cacheId;
        this.blockSize = blockSize;
    }

    /**
     * Opens or makes a root. {@code wantedBlockSize} 0 = as it is.
     * Throws IOException when it cannot be used, IllegalArgumentException when its block size is another one.
     */
    static Root open(Path dir, int wantedBlockSize) throws IOException {
        Modes modes = Modes.ofRoot(dir);
        modes.makeDirectory(dir.resolve("v1"));
        String id = once(dir.resolve("cache-id"), UUID.randomUUID().toString(), modes);
        int fresh = wantedBlockSize == 0 ? Layout.DEFAULT_BLOCK_SIZE : wantedBlockSize;
        String layout = once(dir.resolve("v1/layout"), "block_size=" + fresh, modes);
        return new Root(dir, modes, id, blockSize(dir, layout, wantedBlockSize));
    }

    /** The host's switch (FORMAT 8). */
    boolean isDisabled() {
        return Files.exists(dir.resolve("disabled"), LinkOption.NOFOLLOW_LINKS);
    }

    private static int blockSize(Path dir, String layout, int wanted) throws IOException {
        if (!layout.matches("block_size=\\d{1,9}") || !Layout.validBlockSize(Long.parseLong(layout.substring(11)))) {
            throw new IOException(dir.resolve("v1/layout") + " is garbled: remove it, and v1 beside it");
        }
        int recorded = Integer.parseInt(layout.substring(11));
        if (wanted != 0 && wanted != recorded) {
            throw new IllegalArgumentException(Options.BLOCK_SIZE + " = " + wanted + ", but " + dir
                + " was made with " + recorded + ": use that value, leave the option out, or take another "
                + Options.CACHE_DIR);
        }
        return recorded;
    }

    /** The one line of a file that the first process to come wrote. */
    private static String once(Path file, String proposal, Modes modes) throws IOException {
        if (!Files.exists(file)) {
            modes.makeOnce(file, proposal + "\n");
        }
        return Modes.read(file).trim();
    }
}

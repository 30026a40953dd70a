package io.hybridfs;

import java.io.IOException;

/** One version of a file where it comes from. */
interface Origin {
    /**
     * Reads exactly {@code length} bytes at {@code position}, and returns once a status that was asked for after they
     * had arrived has shown that they are of the pinned version; {@link FileChangedException} otherwise.
     */
    void read(long position, byte[] into, int offset, int length) throws IOException;

    /** Why what was read may not be published, or null; not of the group of blocks if the file is passed through. */
    Miss refusal();

    /** Tells files of one name, time and length apart (FORMAT 4); 0 = unknown. */
    long validator();
}

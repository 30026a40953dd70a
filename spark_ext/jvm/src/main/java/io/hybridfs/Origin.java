package io.hybridfs;

import java.io.IOException;

/** One version of a file where it comes from. */
interface Origin {
    /**
     * Reads exactly {@code length} bytes at {@code position}, and returns once a status that was asked for after they
     * had arrived has shown that they are of the pinned version; {@link FileChangedException} otherwise.
     */
    void read(long position, byte[] into, int offset, int length) throws IOException;

    /** Whether what was read is of a file that may be published. */
    boolean publishable();

    /** HDFS's number of the file, 0 = unknown. */
    long fileId();
}

package io.hybridfs;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;

/** One version of a file where it comes from. */
interface Origin {
    /**
     * Reads exactly {@code length} bytes at {@code position}, and returns once a status that was asked for after the
     * reader was opened has shown that they are of the pinned version; {@link FileChangedException} otherwise.
     */
    void read(long position, byte[] into, int offset, int length) throws IOException;

    /** Whether a status that is asked for from now on shows the pinned version, and whether it may be published. */
    CompletableFuture<Boolean> confirm();

    /** HDFS's number of the file, 0 = unknown. */
    long fileId();
}

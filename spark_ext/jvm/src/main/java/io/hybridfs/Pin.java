package io.hybridfs;

import java.io.IOException;

/** Pins a stream's file to the version that it has now. */
interface Pin {
    /** A reader of the present version, or null when it was the caller who fixed the version. */
    VersionReader again() throws IOException;

    /** The stream is closed. */
    default void closed() {
    }
}

package io.hybridfs;

import org.apache.hadoop.fs.FSInputStream;

/** Makes the stream that the Hadoop of this process has the interfaces for. */
final class Streams {
    private static final boolean NEWER = has("org.apache.hadoop.fs.ByteBufferPositionedReadable")
        && has("org.apache.hadoop.fs.StreamCapabilities");

    private Streams() {
    }

    static FSInputStream over(VersionReader file, HybridInputStream.Pin pin, long readahead) {
        return NEWER ? new VectoredInputStream(file, pin, readahead) : new HybridInputStream(file, pin, readahead);
    }

    private static boolean has(String name) {
        try {
            Class.forName(name, false, Streams.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException | LinkageError olderHadoop) {
            return false;
        }
    }
}

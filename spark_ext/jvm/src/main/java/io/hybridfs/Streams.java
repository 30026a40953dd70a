package io.hybridfs;

import java.lang.reflect.Constructor;
import java.nio.ByteBuffer;
import org.apache.hadoop.fs.FSInputStream;

/** Makes the stream that the Hadoop of this process has the interfaces for. */
final class Streams {
    /** Named, not linked: a verifier would load its interfaces. */
    private static final String NEWER = "io.hybridfs.VectoredInputStream";
    private static final Constructor<? extends FSInputStream> CONSTRUCTOR = newest();

    private Streams() {
    }

    static FSInputStream over(VersionReader file, Pin pin, long readahead, long splitEnd) {
        try {
            return CONSTRUCTOR == null ? new HybridInputStream(file, pin, readahead, splitEnd)
                : CONSTRUCTOR.newInstance(file, pin, readahead, splitEnd);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Constructor<? extends FSInputStream> newest() {
        try {
            return Class.forName(NEWER).asSubclass(FSInputStream.class)
                .getDeclaredConstructor(VersionReader.class, Pin.class, long.class, long.class);
        } catch (ReflectiveOperationException | LinkageError olderHadoop) {
            return null;
        }
    }

    /** Refuses what newer Hadoops refuse of positioned reads; older ones leave that to the stream. */
    static ByteBuffer part(byte[] into, int offset, int length) {
        if (into == null || length < 0) {
            throw new IllegalArgumentException(into == null ? "Null buffer" : "length is negative");
        }
        return ByteBuffer.wrap(into, offset, length);
    }
}

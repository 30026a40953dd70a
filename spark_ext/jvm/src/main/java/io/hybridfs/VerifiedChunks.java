package io.hybridfs;

import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Which chunks of which block files this process has compared with their checksums; bounded. */
final class VerifiedChunks {
    private static final int BLOCKS = 1 << 16;
    private static final Map<List<Object>, VerifiedChunks> KNOWN =
        new LinkedHashMap<List<Object>, VerifiedChunks>(16, 0.75f, true) {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<List<Object>, VerifiedChunks> eldest) {
                return size() > BLOCKS;
            }
        };

    private final boolean[] verified;

    private VerifiedChunks(int chunks) {
        this.verified = new boolean[chunks];
    }

    /** One memory for one file, as long as it is the same inode, of the same size and not written since. */
    static VerifiedChunks of(BasicFileAttributes file, int chunks) {
        List<Object> key = Arrays.asList(file.fileKey(), file.size(), file.lastModifiedTime().to(TimeUnit.NANOSECONDS));
        synchronized (KNOWN) {
            return KNOWN.computeIfAbsent(key, k -> new VerifiedChunks(chunks));
        }
    }

    boolean has(int chunk) {
        return verified[chunk];
    }

    void set(int chunk) {
        verified[chunk] = true;
    }
}

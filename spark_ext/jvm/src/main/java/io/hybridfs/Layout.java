package io.hybridfs;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.concurrent.ConcurrentHashMap;

/** How a file version is cut into blocks, and what each block is called (FORMAT 3 and 6). */
final class Layout {
    static final int DEFAULT_BLOCK_SIZE = 1 << 20;
    private static final int REGION_BITS = 27;
    private static final long FLIGHT = 1L << 32;
    private static final long FLIGHT_MASK = (1L << 60) - 1;

    final byte[] identity;
    final long length;
    final int blockSize;
    private final String domain;
    private final ConcurrentHashMap<Long, String> names = new ConcurrentHashMap<>();

    Layout(FileVersion version, int blockSize) {
        this(version.domain, version.uri, Long.toString(version.mtime), version.length, blockSize);
    }

    /** {@code token}: the version as its origin tells it, whichever that is. */
    Layout(String domain, String uri, String token, long length, int blockSize) {
        this.identity = String.join("\n", domain, uri, token, Long.toString(length)).getBytes(StandardCharsets.UTF_8);
        this.domain = domain;
        this.length = length;
        this.blockSize = blockSize;
    }

    static boolean validBlockSize(long size) {
        return size >= 64 << 10 && size <= 16 << 20 && Long.bitCount(size) == 1;
    }

    /** Bytes of data in a block. */
    int dataLength(long block) {
        return (int) Math.min(blockSize, length - block * blockSize);
    }

    /** 32 hex digits. */
    String name(long block) {
        return names.computeIfAbsent(block * blockSize >>> REGION_BITS, region -> {
            MessageDigest digest = Digests.sha256();
            digest.update(identity);
            digest.update(("\n" + region).getBytes(StandardCharsets.UTF_8));
            return Digests.hex(digest.digest()).substring(0, 32);
        });
    }

    /** Relative to a tier. */
    String path(long block) {
        String name = name(block);
        return "v1/" + domain + "/" + name.substring(0, 2) + "/" + name + "/" + block;
    }

    /** The byte of the root's lock file that stands for whoever fetches this block. */
    long lockOffset(long block) {
        return FLIGHT + (Long.parseLong(name(block).substring(0, 15), 16) + block & FLIGHT_MASK);
    }
}

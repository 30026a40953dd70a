package io.hybridfs;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;

/** An open block of a tier. Its trailer is checked at opening, each chunk when it is first read. */
final class CachedBlock implements Closeable {
    private static final ThreadLocal<byte[]> SCRATCH = ThreadLocal.withInitial(() -> new byte[BlockFormat.CHUNK]);

    final Tier tier;
    final Path path;
    final int length;
    /** Whether it was read since it was published (or spared by an evictor). */
    final boolean readBefore;
    private final FileChannel channel;
    private final long[] sums;
    private final VerifiedChunks verified;

    private CachedBlock(Tier tier, Path path, int length, FileChannel channel, long[] sums, BasicFileAttributes file) {
        this.tier = tier;
        this.path = path;
        this.length = length;
        this.channel = channel;
        this.sums = sums;
        this.verified = VerifiedChunks.of(file, sums.length);
        this.readBefore = AccessTimes.marked(file);
    }

    /** Throws NoSuchFileException (miss), {@link BlockFormat.Rejected}, or whatever the disk throws. */
    static CachedBlock open(Tier tier, Path path, Layout layout, long validator, long block) throws IOException {
        BasicFileAttributes before = attributes(path);
        if (!before.isRegularFile()) {
            // To open a pipe would wait for its writer.
            throw new BlockFormat.Rejected("no file", true, false);
        }
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        try {
            // Attributes come by path: the same file before and after opening is the one that was opened.
            if (!before.fileKey().equals(attributes(path).fileKey())) {
                throw new NoSuchFileException(path.toString(), null, "replaced while it was opened");
            }
            long[] sums = BlockFormat.readTrailer(channel, layout, validator, block);
            return new CachedBlock(tier, path, layout.dataLength(block), channel, sums, before);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static BasicFileAttributes attributes(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    }

    /** Puts {@code into.remaining()} bytes of data from {@code offset}; throws IOException rather than wrong bytes. */
    void read(int offset, ByteBuffer into) throws IOException {
        int at = offset;
        int end = offset + into.remaining();
        while (at < end) {
            int chunk = at / BlockFormat.CHUNK;
            int stop = chunk;
            while (stop < sums.length && stop * BlockFormat.CHUNK < end && verified.has(stop)) {
                stop++;
            }
            if (stop > chunk) {
                int until = Math.min(end, stop * BlockFormat.CHUNK);
                copyVerified(at, until, into);
                at = until;
            } else {
                at += copyChecked(chunk, at, end, into);
            }
        }
    }

    /** The file as it is on disk, its data checked. */
    byte[] whole() throws IOException {
        byte[] file = new byte[(int) channel.size()];
        read(0, ByteBuffer.wrap(file, 0, length));
        BlockFormat.readFully(channel, length, ByteBuffer.wrap(file, length, file.length - length));
        return file;
    }

    private void copyVerified(int from, int until, ByteBuffer into) throws IOException {
        ByteBuffer part = into.duplicate();
        part.limit(part.position() + until - from);
        int at = from;
        while (part.hasRemaining()) {
            int n = channel.read(part, at);
            if (n < 0) {
                throw new BlockFormat.Rejected("truncated", true, false);
            }
            at += n;
        }
        into.position(part.position());
    }

    private int copyChecked(int chunk, int from, int end, ByteBuffer into) throws IOException {
        int start = chunk * BlockFormat.CHUNK;
        byte[] data = SCRATCH.get();
        int size = Math.min(BlockFormat.CHUNK, length - start);
        BlockFormat.readFully(channel, start, ByteBuffer.wrap(data, 0, size));
        if (Xxh64.hash(data, 0, size) != sums[chunk]) {
            throw new BlockFormat.Rejected("chunk", true, false);
        }
        verified.set(chunk);
        int n = Math.min(start + size, end) - from;
        into.put(data, from - start, n);
        return n;
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException nothingToSave) {
            // it was only read
        }
    }
}

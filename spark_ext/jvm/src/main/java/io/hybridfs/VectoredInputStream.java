package io.hybridfs;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.apache.hadoop.fs.ByteBufferPositionedReadable;
import org.apache.hadoop.fs.FileRange;
import org.apache.hadoop.fs.StreamCapabilities;

/** What clients since Hadoop 3.3 can do more; {@link Streams} loads it only where these interfaces exist. */
final class VectoredInputStream extends HybridInputStream
    implements ByteBufferPositionedReadable, StreamCapabilities {
    private static final Set<String> CAPABILITIES = new HashSet<>(Arrays.asList(
        "in:readbytebuffer", "in:preadbytebuffer", "in:unbuffer", "in:readahead", "dropbehind", "in:readvectored"));

    VectoredInputStream(VersionReader file, Pin pin, long readahead, long splitEnd) {
        super(file, pin, readahead, splitEnd);
    }

    @Override
    public boolean hasCapability(String capability) {
        return CAPABILITIES.contains(capability.toLowerCase(Locale.ROOT));
    }

    @Override
    public int read(long from, ByteBuffer into) throws IOException {
        return readAt(from, into, false);
    }

    @Override
    public void readFully(long from, ByteBuffer into) throws IOException {
        readFullyAt(from, into);
    }

    @Override
    public void readVectored(List<? extends FileRange> ranges, IntFunction<ByteBuffer> allocate) throws IOException {
        requireOpen();
        Objects.requireNonNull(allocate, "allocate");
        long length = settledLength();
        List<FileRange> within = new ArrayList<>();
        List<long[]> extents = new ArrayList<>();
        List<Supplier<ByteBuffer>> buffers = new ArrayList<>();
        for (FileRange range : validated(ranges)) {
            long end = range.getOffset() + range.getLength();
            if (end > length) {
                // As HDFS does, only this range fails.
                CompletableFuture<ByteBuffer> beyond = new CompletableFuture<>();
                beyond.completeExceptionally(new EOFException("the file ends at " + length + " before " + range));
                range.setData(beyond);
            } else {
                within.add(range);
                extents.add(new long[] {range.getOffset(), end});
                buffers.add(() -> exactly(allocate.apply(range.getLength()), range.getLength()));
            }
        }
        List<CompletableFuture<ByteBuffer>> results = readTogether(extents, buffers);
        for (int i = 0; i < results.size(); i++) {
            within.get(i).setData(results.get(i));
        }
    }

    /** {@code release} is for buffers that are given up; here none is made before its bytes are there. */
    @Override
    public void readVectored(List<? extends FileRange> ranges, IntFunction<ByteBuffer> allocate,
                             Consumer<ByteBuffer> release) throws IOException {
        Objects.requireNonNull(release, "release");
        readVectored(ranges, allocate);
    }

    /** An allocator may give more than it was asked for. */
    private static ByteBuffer exactly(ByteBuffer buffer, int length) {
        buffer.limit(buffer.position() + length);
        return buffer;
    }

    /** In ascending order; refuses what the contract of vectored reads refuses. */
    private static List<FileRange> validated(List<? extends FileRange> ranges) throws EOFException {
        List<FileRange> sorted = new ArrayList<>(ranges);
        for (FileRange range : sorted) {
            if (range.getLength() < 0) {
                throw new IllegalArgumentException("length is negative in " + range);
            }
            if (range.getOffset() < 0) {
                throw new EOFException("position is negative in " + range);
            }
        }
        sorted.sort(Comparator.comparingLong(FileRange::getOffset));
        long end = 0;
        for (FileRange range : sorted) {
            if (range.getOffset() < end) {
                throw new IllegalArgumentException("range overlaps the one before: " + range);
            }
            end = range.getOffset() + range.getLength();
        }
        return sorted;
    }
}

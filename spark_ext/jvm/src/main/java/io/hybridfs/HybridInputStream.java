package io.hybridfs;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.apache.hadoop.fs.ByteBufferReadable;
import org.apache.hadoop.fs.CanSetDropBehind;
import org.apache.hadoop.fs.CanSetReadahead;
import org.apache.hadoop.fs.CanUnbuffer;
import org.apache.hadoop.fs.FSInputStream;

/** A stream over a file version, with the interfaces that every Hadoop client since 2.7 has. */
class HybridInputStream extends FSInputStream
    implements ByteBufferReadable, CanSetReadahead, CanSetDropBehind, CanUnbuffer {
    /** Smaller reads go through a buffer: a page index is read in a thousand of them. */
    private static final int SMALL = 4 << 10;
    private static final int BUFFER = 16 << 10;
    private static final int REPINS = 3;

    private final Pin pin;
    private volatile VersionReader file;
    private final Object repinning = new Object();
    private boolean delivered;
    private volatile boolean closed;
    private int repins;
    private long readahead;
    private final long splitEnd;
    private long position;
    /** Where the caller last jumped to. */
    private long jumpedTo;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
    private long bufferStart;

    /** {@code splitEnd}: a position beyond which nothing is read ahead. */
    HybridInputStream(VersionReader file, Pin pin, long readahead, long splitEnd) {
        this.file = file;
        this.pin = pin;
        this.readahead = readahead;
        this.splitEnd = splitEnd;
        buffer.limit(0);
    }

    // ---- reading at a position

    /** Reads up to the end of the file or of {@code into}, whichever comes first; -1 at the end of the file. */
    final int readAt(long from, ByteBuffer into, boolean sequential) throws IOException {
        requireOpen();
        if (from < 0) {
            throw new EOFException("position is negative: " + from);
        }
        if (!into.hasRemaining()) {
            return 0;
        }
        while (true) {
            VersionReader reader = file;
            if (from >= reader.length()) {
                return -1;
            }
            int n = (int) Math.min(into.remaining(), reader.length() - from);
            int limit = into.limit();
            int start = into.position();
            into.limit(start + n);
            try {
                reader.readFully(from, into, sequential ? Math.min(splitEnd, from + n + readahead) : 0);
                if (deliver(reader)) {
                    return n;
                }
                into.position(start);
                reader.close();
            } catch (FileChangedException e) {
                into.position(start);
                repin(reader, e);
            } finally {
                into.limit(limit);
            }
        }
    }

    /** Settles on the version of {@code reader}, unless another thread went over to a newer one meanwhile. */
    private boolean deliver(VersionReader reader) {
        synchronized (repinning) {
            delivered |= reader == file;
            return reader == file;
        }
    }

    /** The version that it is from now on. */
    private VersionReader settled() {
        synchronized (repinning) {
            delivered = true;
            return file;
        }
    }

    /** Who has seen no byte, and named no version, may as well read the new one. */
    private void repin(VersionReader reader, FileChangedException e) throws IOException {
        synchronized (repinning) {
            if (reader != file) {
                return;
            }
            VersionReader present = delivered || repins++ == REPINS ? null : pin.again();
            if (present == null) {
                throw e;
            }
            file = present;
        }
        reader.close();
    }

    @Override
    public int read(long from, byte[] into, int offset, int length) throws IOException {
        return readAt(from, Streams.part(into, offset, length), false);
    }

    @Override
    public void readFully(long from, byte[] into, int offset, int length) throws IOException {
        readFullyAt(from, Streams.part(into, offset, length));
    }

    final void readFullyAt(long from, ByteBuffer into) throws IOException {
        int wanted = into.remaining();
        int n = readAt(from, into, false);
        if (n < wanted) {
            throw new EOFException("end of file before " + (from + wanted));
        }
    }

    // ---- reading on

    @Override
    public synchronized int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public synchronized int read(byte[] into, int offset, int length) throws IOException {
        return read(ByteBuffer.wrap(into, offset, length));
    }

    @Override
    public synchronized int read(ByteBuffer into) throws IOException {
        requireOpen();
        int n;
        if (into.remaining() >= SMALL && !buffered()) {
            n = readAt(position, into, isSequential());
        } else {
            n = into.hasRemaining() ? readBuffered(into) : 0;
        }
        position += Math.max(n, 0);
        return n;
    }

    private boolean buffered() {
        return position >= bufferStart && position < bufferStart + buffer.limit();
    }

    private int readBuffered(ByteBuffer into) throws IOException {
        if (!buffered()) {
            // No farther than the block, or a small read might fetch two.
            if (!refill((int) Math.min(BUFFER, file.blockSize() - position % file.blockSize()))) {
                return -1;
            }
        }
        buffer.position((int) (position - bufferStart));
        ByteBuffer part = buffer.duplicate();
        part.limit(Math.min(part.limit(), part.position() + into.remaining()));
        int n = part.remaining();
        into.put(part);
        return n;
    }

    /** False at the file's end. The buffer is empty unless the read succeeded: a retry must not find the old one. */
    private boolean refill(int bytes) throws IOException {
        int n = -1;
        buffer.clear().limit(bytes);
        try {
            n = readAt(position, buffer, isSequential());
        } finally {
            buffer.clear().limit(Math.max(n, 0));
        }
        bufferStart = position;
        return n >= 0;
    }

    /** Confirmed by a whole block that was read without a jump. */
    private boolean isSequential() {
        return position - jumpedTo >= file.blockSize();
    }

    @Override
    public synchronized void seek(long to) throws IOException {
        requireOpen();
        if (to < 0) {
            throw new EOFException("cannot seek to " + to);
        }
        if (to > file.length()) {
            throw new EOFException("cannot seek to " + to + ": the file ends at " + file.length());
        }
        if (to != position) {
            position = to;
            jumpedTo = to;
        }
    }

    @Override
    public synchronized long skip(long bytes) throws IOException {
        long n = Math.max(0, Math.min(bytes, file.length() - position));
        seek(position + n);
        return n;
    }

    @Override
    public synchronized long getPos() {
        return position;
    }

    @Override
    public synchronized int available() throws IOException {
        requireOpen();
        return (int) Math.min(Integer.MAX_VALUE, file.length() - position);
    }

    @Override
    public boolean seekToNewSource(long target) throws IOException {
        requireOpen();
        return false;
    }

    // ---- many ranges

    /** Reads ranges, pairs of position and end in ascending order, together; the n-th future is of the n-th range. */
    final List<CompletableFuture<ByteBuffer>> readTogether(List<long[]> ranges, List<Supplier<ByteBuffer>> buffers)
        throws IOException {
        requireOpen();
        VersionReader.Batch batch = settled().fetchAll(ranges);
        List<CompletableFuture<ByteBuffer>> results = new ArrayList<>();
        for (int i = 0; i < ranges.size(); i++) {
            long[] range = ranges.get(i);
            results.add(batch.read(range[0], (int) (range[1] - range[0]), buffers.get(i)));
        }
        return results;
    }

    /** For callers that go on to read ranges within it: the version stays. */
    final long settledLength() {
        return settled().length();
    }

    // ---- resources

    final void requireOpen() throws IOException {
        if (closed) {
            throw new IOException("Stream is closed!");
        }
    }

    @Override
    public synchronized void setReadahead(Long bytes) throws IOException {
        requireOpen();
        if (bytes != null && bytes < 0) {
            throw new IllegalArgumentException("readahead = " + bytes + " is negative");
        }
        readahead = bytes == null ? readahead : bytes;
    }

    /** The page cache is the cache's first tier: nothing is dropped. */
    @Override
    public void setDropBehind(Boolean dropBehind) throws IOException {
        requireOpen();
    }

    @Override
    public synchronized void unbuffer() {
        buffer.clear().limit(0);
        try {
            file.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public synchronized void close() throws IOException {
        if (!closed) {
            closed = true;
            try {
                file.close();
            } finally {
                pin.closed();
            }
        }
    }
}

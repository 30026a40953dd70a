package io.hybridfs;

import java.io.Closeable;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.client.HdfsDataInputStream;
import org.apache.hadoop.hdfs.protocol.LocatedBlock;
import org.apache.hadoop.hdfs.protocol.LocatedBlocks;
import org.apache.hadoop.security.AccessControlException;

/** A file of HDFS, pinned to one version, read through one stream that is opened when it is needed. */
final class HdfsOrigin implements Origin, Closeable {
    private final Client hdfs;
    private final Path path;
    private final Traffic traffic;
    private FileVersion version;
    private FSDataInputStream opened;
    private Reader reader;
    private boolean wanted = true;
    private boolean changed;
    private boolean finished;
    private boolean encrypted;
    private boolean passedThrough;
    private CompletableFuture<Boolean> answering = CompletableFuture.completedFuture(true);
    private CompletableFuture<Boolean> queued;

    /** The plain HDFS client below the cache. */
    interface Client {
        FSDataInputStream openOrigin(Path path) throws IOException;

        FileStatus statusAtOrigin(Path path) throws IOException;

        /** The file's first block, and its last: asked for as when it is opened, and so allowed or forbidden. */
        LocatedBlocks headAtOrigin(Path path) throws IOException;

        LocatedFile locatedAtOrigin(Path path) throws IOException;
    }

    /** {@code opened}: a stream that was opened already, or null. */
    HdfsOrigin(Client hdfs, Path path, FileVersion version, FSDataInputStream opened, Traffic traffic) {
        this.hdfs = hdfs;
        this.path = path;
        this.version = version;
        this.opened = opened;
        this.traffic = traffic;
    }

    /** A stream of the origin, shared by the fetches that run; the last one out closes it. */
    private final class Reader {
        final FSDataInputStream stream;
        final long[] blocks;
        final CompletableFuture<Boolean> proof;
        int users;

        Reader(FSDataInputStream stream) throws IOException {
            this.stream = stream;
            // All of one moment: the opening has located all of them.
            this.blocks = names(((HdfsDataInputStream) stream).getAllBlocks());
            this.proof = prove(Content.of((HdfsDataInputStream) stream));
        }

        /**
         * The status that fixed the version may have been answered before or after the stream was opened, and then
         * tell of another file: that the version holds the stream's blocks decides.
         */
        private CompletableFuture<Boolean> prove(Content content) {
            Proven known = Proven.of(version);
            if (known != null && known.content.equals(content)) {
                finished = true;
                return CompletableFuture.completedFuture(true);
            }
            return Workers.ask(() -> isOf(hdfs.locatedAtOrigin(path), content));
        }

        /** A client that lost a DataNode locates its blocks anew, and would accept a newer generation of them. */
        private boolean relocated() throws IOException {
            return !Arrays.equals(names(((HdfsDataInputStream) stream).getAllBlocks()), blocks);
        }

        /**
         * The status comes after the data: a DataNode serves who asks for an older generation of a block with the
         * newer one, so that truncating and appending changes what an open stream reads.
         */
        void read(long position, byte[] into, int offset, int length) throws IOException {
            stream.readFully(position, into, offset, length);
            if (!Workers.await(confirm()) || !Workers.await(proof) || relocated()) {
                throw changed(null);
            }
        }
    }

    private synchronized boolean isOf(LocatedFile now, Content content) {
        finished = !now.underConstruction;
        return adopt(now.status) && content != null && content.equals(now.content)
            && (!finished || Proven.remember(version, content));
    }

    @Override
    public synchronized long validator() {
        return version.validator;
    }

    @Override
    public synchronized Miss refusal() {
        if (changed) {
            return Miss.VERSION_CHANGED;
        }
        return encrypted ? Miss.ENCRYPTED : finished ? null : Miss.UNDER_CONSTRUCTION;
    }

    /** Of a file that was opened to be cached, and proved to be none to cache: once. */
    private synchronized void countPassedThrough(Miss refused) {
        if (!passedThrough && !refused.ofBlocks()) {
            passedThrough = true;
            Stats.miss(refused);
        }
    }

    @Override
    public void read(long position, byte[] into, int offset, int length) throws IOException {
        Reader in = null;
        try {
            in = acquire();
            in.read(position, into, offset, length);
            Stats.add(Stats.Counter.ORIGIN_BYTES, length);
            traffic.miss.add(length);
        } catch (FileChangedException e) {
            throw e;
        } catch (IOException e) {
            if (!stillCurrent()) {
                throw changed(e);
            }
            if (e instanceof AccessControlException) {
                traffic.refused((AccessControlException) e);
            }
            throw e;
        } finally {
            if (in != null) {
                release(in);
            }
        }
        Miss refused = refusal();
        if (refused != null) {
            countPassedThrough(refused);
        }
    }

    /** Whether a status that is asked for from now on shows the pinned version. */
    private synchronized CompletableFuture<Boolean> confirm() {
        // One question answers all who came before it was sent.
        if (queued == null) {
            queued = answering.handle((answer, e) -> null).thenCompose(x -> Workers.ask(this::answer));
        }
        return queued;
    }

    private boolean answer() throws IOException {
        synchronized (this) {
            answering = queued;
            queued = null;
        }
        return adopt(status());
    }

    /** False only if the origin says so: a vanished block is most often a replaced file. */
    private boolean stillCurrent() {
        try {
            return adopt(status());
        } catch (FileChangedException gone) {
            return false;
        } catch (IOException unanswered) {
            return true;
        }
    }

    private FileStatus status() throws IOException {
        try {
            return hdfs.statusAtOrigin(path);
        } catch (FileNotFoundException gone) {
            throw changed(gone);
        }
    }

    /** Whether the status is of the pinned version; if so its validator is pinned too. */
    private synchronized boolean adopt(FileStatus status) {
        if (!version.matches(status)) {
            return false;
        }
        version = version.with(status);
        encrypted |= status.isEncrypted() && !version.plaintext;
        return true;
    }

    /** From now on nothing is read or published. */
    private synchronized FileChangedException changed(IOException cause) {
        if (!changed) {
            changed = true;
            Stats.count(Stats.Counter.VERSION_CHANGED);
            traffic.changed();
        }
        return new FileChangedException(version.uri, cause);
    }

    private synchronized Reader acquire() throws IOException {
        if (changed) {
            throw changed(null);
        }
        if (reader != null && reader.proof.isCompletedExceptionally()) {
            closeUnused(detach());
        }
        if (reader == null) {
            FSDataInputStream stream = opened == null ? hdfs.openOrigin(path) : opened;
            opened = null;
            try {
                reader = new Reader(stream);
            } catch (IOException e) {
                stream.close();
                throw e;
            }
        }
        reader.users++;
        return reader;
    }

    private void release(Reader in) throws IOException {
        synchronized (this) {
            in.users--;
            if (in == reader && !wanted) {
                reader = null;
            }
            if (in == reader) {
                return;
            }
        }
        closeUnused(in);
    }

    /** There will be reads: the stream is kept between them. */
    synchronized void keepOpen() {
        wanted = true;
    }

    /** Lets go of the stream; a later read opens another one, and confirms it anew. */
    @Override
    public void close() throws IOException {
        FSDataInputStream unread;
        synchronized (this) {
            wanted = false;
            unread = opened;
            opened = null;
        }
        if (unread != null) {
            unread.close();
        }
        closeUnused(detach());
    }

    private synchronized Reader detach() {
        Reader current = reader;
        reader = null;
        return current;
    }

    /** The last fetch to leave a detached reader closes it. */
    private void closeUnused(Reader detached) throws IOException {
        boolean unused;
        synchronized (this) {
            unused = detached != null && detached.users == 0;
        }
        if (unused) {
            detached.stream.close();
        }
    }

    /** Block and generation: truncating and appending keeps the one and moves the other. */
    private static long[] names(List<LocatedBlock> blocks) {
        long[] names = new long[2 * blocks.size()];
        int at = 0;
        for (LocatedBlock located : blocks) {
            names[at++] = located.getBlock().getBlockId();
            names[at++] = located.getBlock().getGenerationStamp();
        }
        return names;
    }
}

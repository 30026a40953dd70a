package io.hybridfs;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.apache.hadoop.fs.FileSystem;

/** Reads one file version at any position, from the cache or by fetching. Safe for concurrent use. */
final class VersionReader implements Closeable {
    private final Store store;
    private final Layout layout;
    private final HdfsOrigin origin;
    private final Fetcher fetcher;
    private final FileSystem.Statistics statistics;
    private final Traffic traffic;
    private final OpenBlocks cached;
    private final int runBlocks;
    private final int mostRuns;
    /** Runs under way and lately arrived, by first block: their blocks may not be published yet. */
    private final TreeMap<Long, Run> runs = new TreeMap<>();
    /** Up to which block the window has been looked for what is missing. */
    private long examined;

    VersionReader(Store store, FileVersion version, HdfsOrigin origin, FileSystem.Statistics statistics,
                  Options options, Traffic traffic) {
        this.traffic = traffic;
        this.store = store;
        this.layout = new Layout(version, store.blockSize);
        this.origin = origin;
        Reasons reasons = new Reasons();
        this.fetcher = new Fetcher(store, layout, origin, reasons);
        this.statistics = statistics;
        this.cached = new OpenBlocks(store, layout, reasons);
        this.runBlocks = Math.max(1, options.fetchSize / store.blockSize);
        long ahead = options.readahead / ((long) runBlocks * store.blockSize);
        this.mostRuns = (int) Math.min(1 << 10, 2 + Math.max(ahead, options.fetchStreams / 2));
    }

    long length() {
        return layout.length;
    }

    int blockSize() {
        return layout.blockSize;
    }

    /**
     * Fills {@code into} from {@code position}; both ends lie within the file. What is missing is fetched together,
     * up to {@code ahead}, a position in the file, where that is farther.
     */
    void readFully(long position, ByteBuffer into, long ahead) throws IOException {
        long until = Math.max(ahead, position + into.remaining());
        readFully(position, into, block -> runOf(block, until), until);
    }

    /** Where a block's data may be besides the cache: a run, or null. */
    private interface Lookup {
        Run find(long block);
    }

    /** {@code until}: the position up to which what is missing is fetched with the first block that is. */
    private void readFully(long position, ByteBuffer into, Lookup lookup, long until) throws IOException {
        int limit = into.limit();
        long end = position + into.remaining();
        for (long at = position; at < end; ) {
            long block = at / layout.blockSize;
            int offset = (int) (at % layout.blockSize);
            int n = (int) Math.min(end - at, layout.dataLength(block) - offset);
            into.limit(into.position() + n);
            try {
                readBlock(block, offset, into, lookup, until);
            } finally {
                into.limit(limit);
            }
            at += n;
        }
    }

    private void readBlock(long block, int offset, ByteBuffer into, Lookup lookup, long until) throws IOException {
        Run run = lookup.find(block);
        int n = into.remaining();
        if (run == null && cached.read(origin.validator(), block, offset, into)) {
            countHit(n);
            return;
        }
        while (!copied(run == null ? fetch(block, until) : run, block, offset, into)) {
            run = null;
        }
    }

    /** False when another reader of this stream abandoned the run. */
    private boolean copied(Run run, long block, int offset, ByteBuffer into) throws IOException {
        byte[] data;
        try {
            data = Workers.await(run.data);
        } catch (Run.Abandoned e) {
            return false;
        } catch (IOException | RuntimeException e) {
            synchronized (this) {
                runs.remove(run.first, run);
            }
            throw e;
        }
        int n = into.remaining();
        into.put(data, (int) (block - run.first) * layout.blockSize + offset, n);
        if (run.cached.get((int) (block - run.first))) {
            countHit(n);
        }
        return true;
    }

    private void countHit(int bytes) {
        Stats.add(Stats.Counter.HIT_BYTES, bytes);
        traffic.hit.add(bytes);
        statistics.incrementBytesRead(bytes);
    }

    /** The run that has the block, if any; and the next one is started when reading has come so far. */
    private synchronized Run runOf(long block, long until) {
        Run run = known(block);
        if (run != null) {
            long wanted = (Math.min(until, layout.length) + layout.blockSize - 1) / layout.blockSize;
            boolean toTheEnd = until >= layout.length && wanted > examined;
            if (toTheEnd || wanted - examined >= runBlocks) {
                runs.headMap(block).values().removeIf(passed -> passed.end() < block);
                examined = fetchMissing(Math.max(examined, run.end()), until, block);
            }
        }
        return run;
    }

    private Run known(long block) {
        Map.Entry<Long, Run> entry = runs.floorEntry(block);
        return entry != null && entry.getValue().covers(block) ? entry.getValue() : null;
    }

    /** The run that has the block, fetched if need be, with what is missing after it. */
    private synchronized Run fetch(long block, long until) {
        Run run = known(block);
        if (run == null) {
            run = start(block, stretch(block, until), block);
            examined = fetchMissing(run.end(), until, block);
        }
        return run;
    }

    /**
     * Starts runs of what is missing from the block {@code from} to the position {@code until}, but no more than are
     * kept; returns the block that it came to.
     */
    private long fetchMissing(long from, long until, long reading) {
        long last = Math.min(until, (reading + (long) (mostRuns - 1) * runBlocks) * layout.blockSize);
        long block = from;
        while (block * layout.blockSize < last && runs.size() < mostRuns) {
            Run known = known(block);
            if (known != null) {
                block = known.end();
            } else if (isMissing(block, last)) {
                block = start(block, stretch(block, last), reading).end();
            } else {
                block++;
            }
        }
        return block;
    }

    /** How many blocks from a missing one on are missing too, up to a run's size. */
    private int stretch(long block, long until) {
        int blocks = 1;
        while (blocks < runBlocks && isMissing(block + blocks, until)) {
            blocks++;
        }
        return blocks;
    }

    private boolean isMissing(long block, long until) {
        return block * layout.blockSize < Math.min(until, layout.length) && known(block) == null
            && !cached.contains(block) && !store.contains(layout, block);
    }

    private Run start(long block, int blocks, long reading) {
        while (runs.size() >= mostRuns) {
            Run first = runs.firstEntry().getValue();
            Run last = runs.lastEntry().getValue();
            Run farthest = Math.abs(first.first - reading) > Math.abs(last.first - reading) ? first : last;
            runs.remove(farthest.first);
            farthest.abandon();
        }
        origin.keepOpen();
        Run run = fetcher.start(block, blocks);
        runs.put(block, run);
        return run;
    }

    /** Starts fetching whatever {@code ranges}, pairs of position and end in ascending order, lack. */
    Batch fetchAll(List<long[]> ranges) {
        Batch batch = new Batch();
        long next = 0;
        for (long[] range : ranges) {
            next = Math.max(next, range[0] / layout.blockSize);
            for (; next * layout.blockSize < range[1]; next++) {
                batch.add(next);
            }
        }
        batch.flush();
        return batch;
    }

    /** The runs of one vectored read, kept apart from the window: each is needed until its ranges are complete. */
    final class Batch {
        private final TreeMap<Long, Run> parts = new TreeMap<>();
        private long first;
        private int blocks;

        private void add(long block) {
            synchronized (VersionReader.this) {
                if (!isMissing(block, layout.length)) {
                    return;
                }
            }
            if (first + blocks != block || blocks == runBlocks) {
                flush();
                first = block;
            }
            blocks++;
        }

        private void flush() {
            if (blocks > 0) {
                origin.keepOpen();
                parts.put(first, fetcher.start(first, blocks));
            }
            blocks = 0;
        }

        private Run of(long block) {
            Map.Entry<Long, Run> entry = parts.floorEntry(block);
            return entry != null && entry.getValue().covers(block) ? entry.getValue() : null;
        }

        /** The bytes of a range in a buffer that is made when they are there: at once if none had to be fetched. */
        CompletableFuture<ByteBuffer> read(long position, int length, Supplier<ByteBuffer> buffer) {
            List<CompletableFuture<?>> awaited = new ArrayList<>();
            long end = position + length;
            for (long block = position / layout.blockSize; block * layout.blockSize < end; block++) {
                Run run = of(block);
                if (run != null) {
                    awaited.add(run.data);
                    block = run.end() - 1;
                }
            }
            CompletableFuture<ByteBuffer> result = new CompletableFuture<>();
            if (awaited.isEmpty()) {
                complete(result, position, buffer);
            } else {
                CompletableFuture.allOf(awaited.toArray(new CompletableFuture<?>[0]))
                    .whenCompleteAsync((x, e) -> complete(result, position, buffer), Workers.assemble());
            }
            return result;
        }

        private void complete(CompletableFuture<ByteBuffer> result, long position, Supplier<ByteBuffer> buffer) {
            try {
                ByteBuffer into = buffer.get();
                int start = into.position();
                long end = position + into.remaining();
                readFully(position, into, block -> of(block) == null ? runOf(block, end) : of(block), end);
                into.position(start);
                result.complete(into);
            } catch (Throwable e) {
                result.completeExceptionally(e);
            }
        }
    }

    /** Closes files and streams; later reads open them again. */
    @Override
    public void close() throws IOException {
        synchronized (this) {
            cached.close();
            runs.values().forEach(Run::abandon);
            runs.clear();
        }
        origin.close();
    }
}

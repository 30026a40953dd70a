import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileRange;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.DFSInputStream;

/** One sequence of operations, through the cache and through plain HDFS, each checked at once: as lane.py. */
final class Lane {
    private static final int OPEN = 0;
    private static final int READ = 1;
    private static final int PREAD = 2;
    private static final int SEEK = 3;
    private static final int RANGES = 4;
    private static final int WHOLE = 5;

    private final Checker checker;
    private final FileSystem cached;
    private final FileSystem plain;
    private final List<Path> paths;
    private final Mutations mutations;
    private final Map<Integer, Handle> handles = new HashMap<>();

    Lane(Checker checker, FileSystem cached, FileSystem plain, List<Path> paths) {
        this.checker = checker;
        this.cached = cached;
        this.plain = plain;
        this.paths = paths;
        this.mutations = new Mutations(checker, cached, plain, paths);
    }

    /** An open stream, and one of plain HDFS on the same file if it is compared with that. */
    private static final class Handle {
        final Checker.Sight sight;
        final FSDataInputStream in;
        final FSDataInputStream plain;

        Handle(Checker.Sight sight, FSDataInputStream in, FSDataInputStream plain) {
            this.sight = sight;
            this.in = in;
            this.plain = plain;
        }

        /** Of the stream as it is now: as long as it has shown nothing it may go over to a newer version. */
        long size() throws IOException {
            return in.getPos() + in.available();
        }

        void close() {
            for (FSDataInputStream stream : new FSDataInputStream[] {in, plain}) {
                try {
                    if (stream != null) {
                        stream.close();
                    }
                } catch (IOException unimportant) {
                    // it is not read from any more
                }
            }
        }
    }

    void run(Iterator<long[]> operations) throws Exception {
        while (operations.hasNext()) {
            long[] operation = operations.next();
            int slot = (int) operation[1];
            int file = (int) operation[2];
            switch ((int) operation[0]) {
                case OPEN:
                    open(slot, file, operation[3] != 0);
                    break;
                case READ:
                    use(slot, file, handle -> read(slot, handle, (int) operation[3]));
                    break;
                case PREAD:
                    use(slot, file, handle -> pread(slot, handle, operation[3], (int) operation[4]));
                    break;
                case SEEK:
                    use(slot, file, handle -> seek(handle, operation[3]));
                    break;
                case RANGES:
                    use(slot, file, handle -> ranges(slot, handle, operation));
                    break;
                case WHOLE:
                    whole(slot, file);
                    break;
                default:
                    mutations.run(operation);
            }
        }
    }

    private interface Use {
        void of(Handle handle) throws IOException;
    }

    private void use(int slot, int file, Use use) {
        if (!handles.containsKey(slot)) {
            open(slot, file, false);
        }
        Handle handle = handles.get(slot);
        if (handle != null) {
            try {
                use.of(handle);
            } catch (IOException e) {
                checker.failedToRead(handle.sight, e);
                drop(slot);
            }
        }
    }

    private void drop(int slot) {
        Handle before = handles.remove(slot);
        if (before != null) {
            before.close();
        }
    }

    private Handle open(int slot, int file, boolean paired) {
        drop(slot);
        Checker.Sight sight = checker.begin(file);
        checker.count("opens", 1);
        try {
            FSDataInputStream in = cached.open(paths.get(file));
            sight.plain = in.getWrappedStream() instanceof DFSInputStream;
            checker.opened(sight, in.available());
            Handle handle = new Handle(sight, in, paired ? openPlain(file) : null);
            handles.put(slot, handle);
            return handle;
        } catch (IOException e) {
            checker.failedToOpen(sight, e);
            return null;
        }
    }

    private FSDataInputStream openPlain(int file) {
        try {
            return plain.open(paths.get(file));
        } catch (IOException changed) {
            return null;
        }
    }

    // ---- reading

    private void read(int slot, Handle handle, int wanted) throws IOException {
        if (handle.in.available() <= 0) {
            handle.in.seek(0);
        }
        long at = handle.in.getPos();
        byte[] data = new byte[wanted];
        checker.count("reads", 1);
        check(slot, handle, at, data, handle.in.read(data, 0, wanted));
    }

    private void pread(int slot, Handle handle, long place, int wanted) throws IOException {
        long at = place % Math.max(1, handle.size());
        byte[] data = new byte[wanted];
        checker.count("reads", 1);
        check(slot, handle, at, data, handle.in.read(at, data, 0, wanted));
    }

    private void check(int slot, Handle handle, long at, byte[] data, int size) {
        if (size < 0) {
            if (!checker.ended(handle.sight, at)) {
                drop(slot);
            }
        } else if (!checker.read(handle.sight, at, data, size)) {
            drop(slot);
        } else if (handle.plain != null) {
            byte[] other = new byte[size];
            try {
                handle.plain.readFully(at, other);
            } catch (IOException changed) {
                return;
            }
            checker.compare(handle.sight, at, data, other, size);
        }
    }

    private void seek(Handle handle, long place) throws IOException {
        checker.count("seeks", 1);
        handle.in.seek(place % (handle.size() + 1));
    }

    /** Ranges of one file, which must not overlap: cut where the next one begins. */
    private void ranges(int slot, Handle handle, long[] operation) throws IOException {
        long size = handle.size();
        List<long[]> wanted = new ArrayList<>();
        for (int i = 4; i < operation.length && size > 0; i += 2) {
            long at = operation[i] % size;
            wanted.add(new long[] {at, Math.min(operation[i + 1], size - at)});
        }
        wanted.sort((one, other) -> Long.compare(one[0], other[0]));
        List<FileRange> ranges = new ArrayList<>();
        for (int i = 0; i < wanted.size(); i++) {
            long at = wanted.get(i)[0];
            long end = at + wanted.get(i)[1];
            ranges.add(FileRange.createFileRange(at,
                (int) ((i + 1 < wanted.size() ? Math.min(end, wanted.get(i + 1)[0]) : end) - at)));
        }
        checker.count("range reads", ranges.size());
        handle.in.readVectored(ranges, ByteBuffer::allocate);
        for (FileRange range : ranges) {
            ByteBuffer data = await(range.getData());
            byte[] bytes = new byte[data.remaining()];
            data.get(bytes);
            if (bytes.length != range.getLength()) {
                throw new IllegalStateException(bytes.length + " bytes for " + range);
            }
            check(slot, handle, range.getOffset(), bytes, bytes.length);
        }
    }

    private static ByteBuffer await(Future<ByteBuffer> data) throws IOException {
        try {
            return data.get();
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            throw cause instanceof IOException ? (IOException) cause : new IOException(cause);
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private void whole(int slot, int file) {
        Handle handle = open(slot, file, false);
        if (handle == null) {
            return;
        }
        checker.count("reads", 1);
        try {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            byte[] some = new byte[1 << 16];
            for (int n = handle.in.read(some); n >= 0; n = handle.in.read(some)) {
                all.write(some, 0, n);
            }
            if (checker.read(handle.sight, 0, all.toByteArray(), all.size())) {
                checker.ended(handle.sight, all.size());
            }
        } catch (IOException e) {
            checker.failedToRead(handle.sight, e);
        }
        drop(slot);
    }
}

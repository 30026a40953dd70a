import io.hybridfs.HybridFileSystem;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.Rename;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.DistributedFileSystem;

/** Changes files, through the cache or past it; the kinds are those of mutating.py. */
final class Mutations {
    private static final long LEAST_MILLIS = 2;
    private static final long HDFS_BLOCK = 128 << 10;
    private static final long RECOVERY_NANOS = 30_000_000_000L;

    private final Checker checker;
    private final FileSystem cached;
    private final FileSystem plain;
    private final List<Path> paths;

    Mutations(Checker checker, FileSystem cached, FileSystem plain, List<Path> paths) {
        this.checker = checker;
        this.cached = cached;
        this.plain = plain;
        this.paths = paths;
    }

    /** {@code operation}: code, kind, through the cache, file, version, other file or -1, its version, time. */
    void run(long[] operation) throws Exception {
        checker.count("mutations", 1);
        int file = (int) operation[3];
        int number = (int) operation[4];
        int other = (int) operation[5];
        int otherNumber = (int) operation[6];
        checker.start(file, number);
        if (other >= 0) {
            checker.start(other, otherNumber);
        }
        DistributedFileSystem fs = (DistributedFileSystem) (operation[2] != 0 ? cached : plain);
        Thread.sleep(LEAST_MILLIS);
        mutate((int) operation[1], fs, file, number, other, operation[7]);
        checker.finish(file, number);
        if (other >= 0) {
            checker.finish(other, otherNumber);
        }
    }

    private void mutate(int kind, DistributedFileSystem fs, int file, int number, int other, long time)
        throws Exception {
        Path path = paths.get(file);
        Content before = checker.version(file, number - 1);
        Content after = checker.version(file, number);
        switch (kind) {
            case 0:
                write(fs.create(path, true, 4096, (short) 1, HDFS_BLOCK), after.bytes(0, (int) after.length));
                break;
            case 1:
                write(append(fs, path), after.bytes(before.length, (int) (after.length - before.length)));
                break;
            case 2:
                fs.delete(path, false);
                break;
            case 3:
                fs.rename(paths.get(other), path, Rename.OVERWRITE);
                break;
            case 4:
                fs.setTimes(path, time, time);
                break;
            case 5:
                truncate(fs, path, after.length);
                break;
            default:
                throw new IllegalArgumentException("no such mutation: " + kind);
        }
    }

    private static void write(OutputStream out, byte[] data) throws IOException {
        try (OutputStream closed = out) {
            closed.write(data);
        }
    }

    /** The end of a file that was just cut or written may still be under recovery. */
    private static OutputStream append(DistributedFileSystem fs, Path path) throws Exception {
        long giveUp = System.nanoTime() + RECOVERY_NANOS;
        while (true) {
            try {
                return fs.append(path);
            } catch (IOException e) {
                if (System.nanoTime() > giveUp) {
                    throw e;
                }
                Thread.sleep(20);
            }
        }
    }

    private static void truncate(DistributedFileSystem fs, Path path, long length) throws Exception {
        long giveUp = System.nanoTime() + RECOVERY_NANOS;
        if (!fs.truncate(path, length)) {
            while (!fs.isFileClosed(path)) {
                if (System.nanoTime() > giveUp) {
                    throw new IOException("not cut to " + length + " in time: " + path);
                }
                Thread.sleep(20);
            }
        }
    }
}

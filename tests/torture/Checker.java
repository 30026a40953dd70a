import io.hybridfs.FileChangedException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a reader may see of files that are changed under it, and what it has seen: the same as checking.py. */
final class Checker {
    private static final VarHandle LONG = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int TOLD = 20;

    private final ByteBuffer board;
    /** Shared by the lanes of this process, and added to only between their batches. */
    private final List<List<Content>> versions;
    final Map<String, Long> counts = new TreeMap<>();
    final Map<String, Long> errors = new TreeMap<>();
    final List<Map<String, Object>> violations = new ArrayList<>();

    Checker(ByteBuffer board, List<List<Content>> versions) {
        this.board = board;
        this.versions = versions;
    }

    /** One open stream: what it may be of. */
    static final class Sight {
        final int file;
        /** The version that was finished before it began to open. */
        final int low;
        /** Whether it is HDFS's own stream of a file that was being written or cut: nothing pins it to a version. */
        boolean plain;
        /** Versions that all it has shown is of; null: it has shown nothing, and may still go over to a newer one. */
        List<Integer> candidates;

        Sight(int file, int low) {
            this.file = file;
            this.low = low;
        }
    }

    int started(int file) {
        return (int) (long) LONG.getVolatile(board, 16 * file);
    }

    int finished(int file) {
        return (int) (long) LONG.getVolatile(board, 16 * file + 8);
    }

    void start(int file, int version) {
        LONG.setVolatile(board, 16 * file, (long) version);
    }

    void finish(int file, int version) {
        LONG.setVolatile(board, 16 * file + 8, (long) version);
    }

    Content version(int file, int number) {
        return versions.get(file).get(number);
    }

    void count(String what, long amount) {
        counts.merge(what, amount, Long::sum);
    }

    Sight begin(int file) {
        return new Sight(file, finished(file));
    }

    /** After the opening of a stream that says that it has {@code size} bytes. */
    void opened(Sight sight, long size) {
        int high = started(sight.file);
        if (high > sight.low) {
            return;
        }
        count("opened while nothing changed", 1);
        if (version(sight.file, high).length != size) {
            violation("wrong size", sight, "size", size);
        }
    }

    void failedToOpen(Sight sight, IOException error) {
        int high = started(sight.file);
        boolean absent = false;
        for (int number = sight.low; number <= high; number++) {
            absent |= version(sight.file, number).absent();
        }
        if (absent && error instanceof FileNotFoundException) {
            count("rightly not found", 1);
        } else if (high > sight.low) {
            besideAMutation(error);
        } else {
            violation("open failed", sight, "error", error.toString());
        }
    }

    /** Whether the bytes are of a version that the stream may be of; only those remain. */
    boolean read(Sight sight, long offset, byte[] data, int size) {
        count("bytes verified", size);
        List<Integer> matching = new ArrayList<>();
        for (int number : possible(sight)) {
            if (version(sight.file, number).holds(offset, data, size)) {
                matching.add(number);
            }
        }
        if (matching.isEmpty() && sight.plain && mixed(sight, offset, data, size)) {
            count("reads of HDFS's own streams, of several versions", 1);
            return true;
        }
        if (matching.isEmpty()) {
            violation("wrong bytes", sight, "offset", offset, "size", size, "data", shown(data, size));
            return false;
        }
        sight.candidates = sight.plain ? null : matching;
        return true;
    }

    /** Whether each byte is of a version that there was since the stream was opened. */
    private boolean mixed(Sight sight, long offset, byte[] data, int size) {
        for (int i = 0; i < size; i++) {
            byte[] one = {data[i]};
            long at = offset + i;
            if (possible(sight).stream().noneMatch(number -> version(sight.file, number).holds(at, one, 1))) {
                return false;
            }
        }
        return true;
    }

    /**
     * Whether a stream may end there: it is of a version that is no longer, or was being written. While HDFS truncates
     * within a block, it shows the file with the whole block, longer than it is to be and shorter than it was.
     */
    boolean ended(Sight sight, long offset) {
        for (int number = sight.low + 1; number <= started(sight.file); number++) {
            if (!version(sight.file, number).absent() && version(sight.file, number).length <= offset) {
                return true;
            }
        }
        for (int number : possible(sight)) {
            Content version = version(sight.file, number);
            if (!version.absent() && (number > sight.low || version.length <= offset)) {
                return true;
            }
        }
        violation("ended early", sight, "offset", offset);
        return false;
    }

    private List<Integer> possible(Sight sight) {
        if (sight.candidates != null) {
            return sight.candidates;
        }
        List<Integer> possible = new ArrayList<>();
        for (int number = sight.low; number <= started(sight.file); number++) {
            possible.add(number);
        }
        return possible;
    }

    /** A stream may fail if a change of its file began since before it was opened. */
    void failedToRead(Sight sight, IOException error) {
        if (started(sight.file) == sight.low) {
            violation("read failed", sight, "error", error.toString());
        } else if (error instanceof FileChangedException) {
            count("rightly FileChanged", 1);
        } else {
            besideAMutation(error);
        }
    }

    /** Compares with what plain HDFS gives for the same range, if the file has not changed. */
    void compare(Sight sight, long offset, byte[] data, byte[] plain, int size) {
        if (started(sight.file) != sight.low) {
            return;
        }
        count("compared with plain HDFS", 1);
        if (!Arrays.equals(data, 0, size, plain, 0, size)) {
            violation("differs from plain HDFS", sight, "offset", offset, "size", size, "data", shown(data, size));
        }
    }

    private static String shown(byte[] data, int size) {
        return Base64.getEncoder().encodeToString(Arrays.copyOf(data, Math.min(size, 1 << 20)));
    }

    private void besideAMutation(IOException error) {
        count("other errors beside a mutation", 1);
        String text = error.toString();
        errors.merge(text.substring(0, Math.min(160, text.length())), 1L, Long::sum);
    }

    private void violation(String what, Sight sight, Object... more) {
        count("violations", 1);
        if (violations.size() < TOLD) {
            Map<String, Object> found = new LinkedHashMap<>();
            found.put("what", what);
            found.put("file", sight.file);
            found.put("low", sight.low);
            found.put("now", Arrays.asList(finished(sight.file), started(sight.file)));
            found.put("candidates", sight.candidates == null ? new ArrayList<>() : sight.candidates);
            for (int i = 0; i < more.length; i += 2) {
                found.put((String) more[i], more[i + 1]);
            }
            violations.add(found);
        }
    }
}

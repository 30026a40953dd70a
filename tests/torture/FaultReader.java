package io.hybridfs;

import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileRange;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.DFSInputStream;
import org.apache.hadoop.hdfs.client.HdfsDataInputStream;
import org.apache.hadoop.hdfs.protocol.LocatedBlocks;

/**
 * A JVM that reads files through the cache, compares every byte, and does as it is told by lines; the commands are those
 * of reader.py, and {@code origin CALL FIRST LAST KIND}, {@code calls}: faults of the client below the cache.
 */
public final class FaultReader {
    private static final long STUCK_MILLIS = 60_000;

    private final Map<String, byte[]> files = new ConcurrentHashMap<>();
    private final FileSystem fs;
    private final URI uri;
    private Load load;

    private FaultReader(URI uri, Configuration conf) throws IOException {
        this.uri = uri;
        this.fs = FileSystem.newInstance(uri, conf);
    }

    /** {@code URI key=value...}. */
    public static void main(String[] args) throws Exception {
        Configuration conf = new Configuration();
        conf.set("fs.hdfs.impl", FaultyFileSystem.class.getName());
        for (String pair : Arrays.asList(args).subList(1, args.length)) {
            conf.set(pair.split("=", 2)[0], pair.split("=", 2)[1]);
        }
        FaultReader reader = new FaultReader(URI.create(args[0]), conf);
        System.out.println("{\"ready\": true}");
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            try {
                System.out.println(reader.answer(line.split("\t")));
            } catch (Exception e) {
                System.out.println("{\"failed\": " + quoted(e.toString()) + "}");
            }
        }
    }

    private String answer(String[] words) throws Exception {
        switch (words[0]) {
            case "file":
                files.put(words[1], Files.readAllBytes(Paths.get(words[2])));
                return "{}";
            case "forget":
                files.clear();
                return "{}";
            case "read":
                return readWhole(words[1]);
            case "go":
                load = new Load(Integer.parseInt(words[1]), Long.parseLong(words[2]));
                return "{}";
            case "stop":
                return load.stop();
            case "settle":
                Workers.quiesce();
                return "{}";
            case "later":
                endRests();
                return "{}";
            case "stats":
                return Stats.snapshot();
            case "census":
                return census(words[1]);
            case "origin":
                FaultyFileSystem.fault = new Fault(words[1], Integer.parseInt(words[2]), Integer.parseInt(words[3]), words[4]);
                return "{}";
            case "calls":
                return FaultyFileSystem.fault.counted();
            default:
                throw new IllegalArgumentException(words[0]);
        }
    }

    private org.apache.hadoop.fs.Path at(String path) {
        return new org.apache.hadoop.fs.Path(uri.toString() + path);
    }

    private String readWhole(String path) {
        long begun = System.nanoTime();
        byte[] expected = files.get(path);
        byte[] buffer = new byte[100_000];
        long read = 0;
        long wrong = 0;
        String error = "null";
        try (FSDataInputStream in = fs.open(at(path))) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                wrong += differing(buffer, n, expected, (int) read);
                read += n;
            }
            wrong += expected.length - read;
        } catch (Exception e) {
            error = quoted(e.toString());
        }
        return String.format("{\"read\": %d, \"wrong\": %d, \"error\": %s, \"seconds\": %s}", read, wrong, error,
            (System.nanoTime() - begun) / 1e9);
    }

    private static long differing(byte[] found, int n, byte[] expected, int start) {
        long wrong = 0;
        for (int i = 0; i < n; i++) {
            wrong += start + i >= expected.length || found[i] != expected[start + i] ? 1 : 0;
        }
        return wrong;
    }

    /** Threads that read at random until they are told to stop. */
    private final class Load {
        private final LongAdder reads = new LongAdder();
        private final LongAdder bytes = new LongAdder();
        private final LongAdder wrong = new LongAdder();
        private final Map<String, Integer> errors = new TreeMap<>();
        private final List<Thread> threads = new ArrayList<>();
        private volatile boolean ending;
        private String example;
        private double slowest;

        Load(int count, long seed) {
            for (int i = 0; i < count; i++) {
                Random random = new Random(seed + i);
                Thread thread = new Thread(() -> run(random));
                thread.setDaemon(true);
                threads.add(thread);
                thread.start();
            }
        }

        private void run(Random random) {
            List<String> paths = new ArrayList<>(files.keySet());
            while (!ending) {
                long begun = System.nanoTime();
                try {
                    readSome(paths.get(random.nextInt(paths.size())), random);
                } catch (Throwable e) {
                    failed(e);
                }
                took((System.nanoTime() - begun) / 1e9);
            }
        }

        private synchronized void failed(Throwable e) {
            errors.merge(e.getClass().getSimpleName(), 1, Integer::sum);
            example = example == null ? e.toString() : example;
            try {
                wait(10);
            } catch (InterruptedException never) {
                Thread.currentThread().interrupt();
            }
        }

        private synchronized void took(double seconds) {
            slowest = Math.max(slowest, seconds);
        }

        private void readSome(String path, Random random) throws Exception {
            byte[] expected = files.get(path);
            try (FSDataInputStream in = fs.open(at(path))) {
                for (int left = 1 + random.nextInt(8); left > 0; left--) {
                    int start = random.nextInt(expected.length);
                    int most = random.nextBoolean() ? 5000 : 300_000;
                    int size = Math.min(1 + random.nextInt(most), expected.length - start);
                    byte[] found = FaultReader.read(in, start, size, random.nextInt(4));
                    reads.increment();
                    bytes.add(size);
                    wrong.add(differing(found, size, expected, start));
                }
            }
        }

        String stop() throws InterruptedException {
            ending = true;
            long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(STUCK_MILLIS);
            long stuck = 0;
            for (Thread thread : threads) {
                thread.join(Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
                stuck += thread.isAlive() ? 1 : 0;
            }
            synchronized (this) {
                StringBuilder failures = new StringBuilder();
                errors.forEach((name, n) -> failures.append(failures.length() == 0 ? "" : ", ")
                    .append(quoted(name)).append(": ").append(n));
                return String.format("{\"reads\": %d, \"bytes\": %d, \"wrong\": %d, \"errors\": {%s}, \"example\": %s, "
                    + "\"slowest\": %.2f, \"stuck\": %d}", reads.sum(), bytes.sum(), wrong.sum(), failures,
                    example == null ? "null" : quoted(example), slowest, stuck);
            }
        }
    }

    private static byte[] read(FSDataInputStream in, int start, int size, int way) throws Exception {
        byte[] found = new byte[size];
        Arrays.fill(found, (byte) 0xa5);
        if (way == 0) {
            in.readFully(start, found);
        } else if (way == 1) {
            in.seek(start);
            in.readFully(found);
        } else if (way == 2) {
            in.seek(start);
            ByteBuffer buffer = ByteBuffer.wrap(found);
            while (buffer.hasRemaining()) {
                if (in.read(buffer) < 0) {
                    throw new EOFException("ended after " + buffer.position() + " bytes");
                }
            }
        } else {
            FileRange head = FileRange.createFileRange(start, (size + 1) / 2);
            FileRange tail = FileRange.createFileRange(start + (size + 1) / 2, size / 2);
            in.readVectored(size > 1 ? Arrays.asList(head, tail) : Arrays.asList(head), ByteBuffer::allocate);
            head.getData().get(STUCK_MILLIS, TimeUnit.MILLISECONDS).get(found, 0, head.getLength());
            if (size > 1) {
                tail.getData().get(STUCK_MILLIS, TimeUnit.MILLISECONDS).get(found, head.getLength(), tail.getLength());
            }
        }
        return found;
    }

    /** Lets the time that tiers are set aside for pass, by their deadlines: the clock of a JVM cannot be moved. */
    private static void endRests() throws ReflectiveOperationException {
        Field open = Store.class.getDeclaredField("OPEN");
        open.setAccessible(true);
        int ended = 0;
        int known = 0;
        for (Object store : ((Map<?, ?>) open.get(null)).values()) {
            Field tiers = Store.class.getDeclaredField("tiers");
            tiers.setAccessible(true);
            for (Object tier : store == null ? new ArrayList<>() : (List<?>) tiers.get(store)) {
                known++;
                ended += endRests(tier, 2);
            }
        }
        if (ended < known) {
            throw new NoSuchFieldException("no deadline of a tier is known");
        }
    }

    private static int endRests(Object owner, int depth) throws ReflectiveOperationException {
        int ended = 0;
        for (Field field : owner.getClass().getDeclaredFields()) {
            if (Modifier.isStatic(field.getModifiers())) {
                continue;
            }
            if (field.getType() == long.class && field.getName().endsWith("Until")) {
                field.setAccessible(true);
                field.setLong(owner, System.nanoTime());
                ended++;
            } else if (depth > 1 && field.getType().getName().startsWith("io.hybridfs.")
                && field.getType() != Tier.class) {
                field.setAccessible(true);
                ended += field.get(owner) == null ? 0 : endRests(field.get(owner), depth - 1);
            }
        }
        return ended;
    }

    private static String census(String directory) throws IOException {
        int all = 0;
        int below = 0;
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Paths.get("/proc/self/fd"))) {
            for (Path descriptor : descriptors) {
                all++;
                try {
                    below += Files.readSymbolicLink(descriptor).toString().startsWith(directory + "/") ? 1 : 0;
                } catch (IOException closed) {
                    all--;
                }
            }
        }
        long maps = Files.readAllLines(Paths.get("/proc/self/maps")).stream()
            .filter(line -> line.contains(" " + directory + "/")).count();
        return String.format("{\"descriptors\": %d, \"descriptors_below\": %d, \"maps_below\": %d, \"threads\": %d}", all,
            below, maps, Thread.activeCount());
    }

    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.substring(0, Math.min(400, text.length())).toCharArray()) {
            json.append(c == '"' || c == '\\' ? "\\" + c : c < ' ' || c > '~' ? "?" : String.valueOf(c));
        }
        return json.append('"').toString();
    }

    /** Which calls of the client below the cache fail, and how: {@code error}, {@code short}, or so many ms late. */
    private static final class Fault {
        private final String call;
        private final int first;
        private final int last;
        private final String kind;
        private final Map<String, AtomicInteger> counts = new HashMap<>();

        Fault(String call, int first, int last, String kind) {
            this.call = call;
            this.first = first;
            this.last = last;
            this.kind = kind;
            for (String name : new String[] {"status", "open", "locate", "read"}) {
                counts.put(name, new AtomicInteger());
            }
        }

        /** Throws, or waits, if this call is to; true for a read that is to end early. */
        boolean strikes(String name) throws IOException {
            int number = counts.get(name).incrementAndGet();
            if (!name.equals(call) || number < first || last > 0 && number > last) {
                return false;
            }
            if (kind.equals("error")) {
                throw new IOException("the origin fails: " + name + " " + number);
            }
            if (kind.equals("short")) {
                return true;
            }
            try {
                Thread.sleep(Long.parseLong(kind));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return false;
        }

        String counted() {
            StringBuilder json = new StringBuilder();
            counts.forEach((name, n) -> json.append(json.length() == 0 ? "{" : ", ").append(quoted(name)).append(": ")
                .append(n));
            return json.append('}').toString();
        }
    }

    /** The cache over a client whose calls fail when told to. */
    public static final class FaultyFileSystem extends HybridFileSystem {
        private static volatile Fault fault = new Fault("none", 0, 0, "error");

        @Override
        public FSDataInputStream openOrigin(org.apache.hadoop.fs.Path path) throws IOException {
            fault.strikes("open");
            FSDataInputStream plain = super.openOrigin(path);
            return plain.getWrappedStream() instanceof DFSInputStream && plain instanceof HdfsDataInputStream
                ? new FaultyStream((DFSInputStream) plain.getWrappedStream()) : plain;
        }

        @Override
        public FileStatus statusAtOrigin(org.apache.hadoop.fs.Path path) throws IOException {
            fault.strikes("status");
            return super.statusAtOrigin(path);
        }

        @Override
        public LocatedBlocks headAtOrigin(org.apache.hadoop.fs.Path path) throws IOException {
            fault.strikes("locate");
            return super.headAtOrigin(path);
        }

        @Override
        public LocatedFile locatedAtOrigin(org.apache.hadoop.fs.Path path) throws IOException {
            fault.strikes("locate");
            return super.locatedAtOrigin(path);
        }
    }

    private static final class FaultyStream extends HdfsDataInputStream {
        FaultyStream(DFSInputStream in) throws IOException {
            super(in);
        }

        @Override
        public void readFully(long position, byte[] into, int offset, int length) throws IOException {
            if (FaultyFileSystem.fault.strikes("read")) {
                super.readFully(position, into, offset, length / 2);
                throw new EOFException("the origin ends early");
            }
            super.readFully(position, into, offset, length);
        }
    }
}

package io.hybridfs;

import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.zip.CRC32;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Options.Rename;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;

/**
 * One thread's part of the tree that {@link ListingMutator} changes, which nobody else changes: partition directories
 * below {@code flat}, and below directories of {@code deep}. A few are changed all the time; the others rest for
 * minutes, so that what is known of them may be used again.
 */
final class ListingTree {
    private static final String ABSENT = "-\t0\t0\t0\t0\t0";
    private static final int NAMES = 7;
    private static final int LONGEST = 1500;
    private static final int BUSY = 8;
    /** Of a hundred mutations: of names in directories that rest, of files there, the others where it is busy. */
    private static final int RESTING_NAMES = 4;
    private static final int RESTING_FILES = 36;
    private static final long RETRY_NANOS = 30_000_000_000L;
    private static final long HOUR = 3_600_000;
    private static final long OLD = 1_500_000_000_000L;

    private final ListingMutator mutator;
    private final DistributedFileSystem fs;
    private final String root;
    private final Random draw;
    private final int thread;
    private final int threads;
    private final int flat;
    private final int deep;
    private final List<Upper> uppers = new ArrayList<>();
    private final List<Partition> busy = new ArrayList<>();
    private final List<Partition> resting = new ArrayList<>();
    private long clock;

    /** {@code flat}: partitions of one level; {@code deep}: how many directories with as many partitions each. */
    ListingTree(ListingMutator mutator, String root, long seed, int thread, int threads, int flat, int deep) {
        this.mutator = mutator;
        this.fs = mutator.hdfs();
        this.root = root;
        this.draw = new Random(seed * 1000 + thread);
        this.thread = thread;
        this.threads = threads;
        this.flat = flat;
        this.deep = deep;
        this.clock = OLD + thread * HOUR;
    }

    /** A directory that holds partitions; that of the one-level tree is everybody's and stays. */
    private final class Upper {
        String path;
        String state;
        final int names;
        final List<Partition> partitions = new ArrayList<>();

        Upper(String path, int names) {
            this.path = path;
            this.names = names;
        }
    }

    private static final class File {
        long id;
        long mtime;
        int permission;
        byte[] data = new byte[0];

        String state() {
            CRC32 sum = new CRC32();
            sum.update(data);
            return "f\t" + id + "\t" + data.length + "\t" + mtime + "\t" + permission + "\t" + sum.getValue();
        }
    }

    private static final class Partition {
        final Upper upper;
        final TreeMap<String, File> files = new TreeMap<>();
        String name;
        String state;

        Partition(Upper upper, String name) {
            this.upper = upper;
            this.name = name;
        }

        String path() {
            return upper.path + "/" + name;
        }
    }

    // ---- the tree as it is at first

    void make() throws Exception {
        Upper all = new Upper(root + "/flat", 2 * flat);
        uppers.add(all);
        List<Partition> made = new ArrayList<>();
        for (int number = thread; number < flat; number += threads) {
            made.add(makePartition(all, name("p", number)));
        }
        for (int number = thread; number < deep; number += threads) {
            Upper upper = new Upper(root + "/deep/" + name("a", number), 2 * deep * threads);
            uppers.add(upper);
            long begin = System.nanoTime();
            fs.mkdirs(new Path(upper.path));
            upper.state = directory(upper.path);
            log(begin, "make", upper.path, upper.state);
            for (int inner = thread; inner < deep * threads; inner += threads) {
                made.add(makePartition(upper, name("b", inner)));
            }
        }
        for (int i = 0; i < made.size(); i++) {
            (i % BUSY == 0 ? busy : resting).add(made.get(i));
        }
    }

    /**
     * Makes directories look as old as such a tree usually is. Nobody has listed them yet; from here on their times are
     * what changes make of them. No two are the same: Python sees no fileId, and could not tell apart directories of
     * one time that trade places.
     */
    static void age(DistributedFileSystem fs, String root) throws IOException {
        long then = System.currentTimeMillis() - HOUR;
        for (FileStatus status : fs.listStatus(new Path(root))) {
            then = age(fs, status, then);
        }
    }

    private static long age(DistributedFileSystem fs, FileStatus status, long then) throws IOException {
        if (!status.isDirectory()) {
            return then;
        }
        long next = then + 1;
        for (FileStatus child : fs.listStatus(status.getPath())) {
            next = age(fs, child, next);
        }
        fs.setTimes(status.getPath(), then, then);
        return next;
    }

    private Partition makePartition(Upper upper, String name) throws Exception {
        Partition made = new Partition(upper, name);
        makeDirectory(made);
        for (int i = draw.nextInt(4); i >= 0; i--) {
            write(made, "f" + i, "create");
        }
        return made;
    }

    private static String name(String prefix, int number) {
        return String.format("%s=%04d", prefix, number);
    }

    // ---- mutations

    /** {@code pause}: nanoseconds from the begin of one to that of the next, if it is done by then. */
    void mutate(int number, long pause) throws Exception {
        long next = System.nanoTime();
        for (int i = 0; i < number; i++) {
            long early = next - System.nanoTime();
            if (early > 0) {
                Thread.sleep(early / 1_000_000, (int) (early % 1_000_000));
            }
            next = Math.max(next, System.nanoTime() - pause) + pause;
            mutate();
        }
    }

    private void mutate() throws Exception {
        int chance = draw.nextInt(100);
        if (chance < RESTING_NAMES) {
            changeName(resting);
        } else if (chance < RESTING_NAMES + RESTING_FILES) {
            changeFile(any(resting));
        } else if (chance < 70) {
            changeName(busy);
        } else {
            changeFile(any(busy));
        }
    }

    private <T> T any(List<T> some) {
        return some.get(draw.nextInt(some.size()));
    }

    private String anyFile(Partition partition) {
        return any(new ArrayList<>(partition.files.keySet()));
    }

    /** What no directory shows. */
    private void changeFile(Partition partition) throws Exception {
        if (partition.files.isEmpty()) {
            write(partition, "f" + draw.nextInt(NAMES), "create");
            return;
        }
        String name = anyFile(partition);
        int chance = draw.nextInt(10);
        if (chance < 2) {
            append(partition, name);
        } else if (chance < 6) {
            setPermission(partition, name);
        } else {
            setTime(partition, name);
        }
    }

    private void changeName(List<Partition> among) throws Exception {
        Partition partition = any(among);
        int chance = draw.nextInt(100);
        if (chance < 30) {
            String name = "f" + draw.nextInt(NAMES);
            write(partition, name, partition.files.containsKey(name) ? "overwrite" : "create");
        } else if (chance < 38 && !partition.files.isEmpty()) {
            write(partition, anyFile(partition), "overwrite");
        } else if (chance < 63 && !partition.files.isEmpty()) {
            delete(partition, anyFile(partition));
        } else if (chance < 85 && !partition.files.isEmpty()) {
            rename(partition, anyFile(partition), draw.nextBoolean() ? partition : any(among));
        } else if (chance < 91) {
            renameDirectory(partition);
        } else if (chance < 95) {
            remakeDirectory(partition);
        } else if (chance < 99 || uppers.size() < 2) {
            setPermission(partition);
        } else {
            renameUpper(uppers.get(1 + draw.nextInt(uppers.size() - 1)));
        }
    }

    private void write(Partition partition, String name, String kind) throws Exception {
        String path = partition.path() + "/" + name;
        File file = new File();
        file.data = bytes(draw.nextInt(5) == 0 ? 0 : 1 + draw.nextInt(LONGEST));
        long begin = System.nanoTime();
        try (OutputStream out = fs.create(new Path(path), true, 4096, (short) 1, 1 << 20)) {
            out.write(file.data);
        }
        partition.files.put(name, file);
        look(file, path);
        log(begin, kind, path, file.state());
    }

    private void append(Partition partition, String name) throws Exception {
        String path = partition.path() + "/" + name;
        File file = partition.files.get(name);
        byte[] more = bytes(1 + draw.nextInt(LONGEST));
        long begin = System.nanoTime();
        try (OutputStream out = appending(new Path(path))) {
            out.write(more);
        }
        int before = file.data.length;
        file.data = Arrays.copyOf(file.data, before + more.length);
        System.arraycopy(more, 0, file.data, before, more.length);
        look(file, path);
        log(begin, "append", path, file.state());
    }

    /** The end of a file that was just written may still be under recovery. */
    private OutputStream appending(Path path) throws Exception {
        long giveUp = System.nanoTime() + RETRY_NANOS;
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

    private byte[] bytes(int size) {
        byte[] data = new byte[size];
        draw.nextBytes(data);
        return data;
    }

    private void setPermission(Partition partition, String name) throws Exception {
        String path = partition.path() + "/" + name;
        File file = partition.files.get(name);
        long begin = System.nanoTime();
        fs.setPermission(new Path(path), new FsPermission((short) (file.permission ^ 0111)));
        look(file, path);
        log(begin, "chmod", path, file.state());
    }

    /** No two of one thread's times are the same. */
    private void setTime(Partition partition, String name) throws Exception {
        String path = partition.path() + "/" + name;
        File file = partition.files.get(name);
        clock++;
        long begin = System.nanoTime();
        fs.setTimes(new Path(path), clock, -1);
        look(file, path);
        log(begin, "times", path, file.state());
    }

    private void delete(Partition partition, String name) throws Exception {
        String path = partition.path() + "/" + name;
        long begin = System.nanoTime();
        fs.delete(new Path(path), false);
        partition.files.remove(name);
        log(begin, "delete", path, ABSENT);
    }

    private void rename(Partition from, String name, Partition to) throws Exception {
        String other = "f" + draw.nextInt(NAMES);
        String source = from.path() + "/" + name;
        String target = to.path() + "/" + other;
        if (source.equals(target)) {
            delete(from, name);
            return;
        }
        long begin = System.nanoTime();
        fs.rename(new Path(source), new Path(target), Rename.OVERWRITE);
        long end = System.nanoTime();
        File file = from.files.remove(name);
        to.files.put(other, file);
        mutator.log(begin, end, "rename", source, ABSENT);
        mutator.log(begin, end, "rename", target, file.state());
    }

    // ---- of directories

    private void setPermission(Partition partition) throws Exception {
        boolean closed = partition.state.split("\t")[4].equals(Integer.toString(0700));
        long begin = System.nanoTime();
        fs.setPermission(new Path(partition.path()), new FsPermission((short) (closed ? 0755 : 0700)));
        partition.state = directory(partition.path());
        log(begin, "chmod", partition.path(), partition.state);
    }

    private void remakeDirectory(Partition partition) throws Exception {
        long begin = System.nanoTime();
        fs.delete(new Path(partition.path()), true);
        logTree(begin, System.nanoTime(), partition, false);
        partition.files.clear();
        if (draw.nextBoolean()) {
            partition.name = freeName(partition);
        }
        makeDirectory(partition);
        write(partition, "f" + draw.nextInt(NAMES), "create");
    }

    private void makeDirectory(Partition partition) throws Exception {
        long begin = System.nanoTime();
        fs.mkdirs(new Path(partition.path()));
        partition.state = directory(partition.path());
        partition.upper.partitions.remove(partition);
        partition.upper.partitions.add(partition);
        log(begin, "mkdir", partition.path(), partition.state);
    }

    private void renameDirectory(Partition partition) throws Exception {
        String source = partition.path();
        String name = freeName(partition);
        long begin = System.nanoTime();
        if (!fs.rename(new Path(source), new Path(partition.upper.path, name))) {
            throw new IOException("not renamed: " + source);
        }
        long end = System.nanoTime();
        logTree(begin, end, partition, false);
        partition.name = name;
        logTree(begin, end, partition, true);
    }

    /** Of this thread's numbers. */
    private String freeName(Partition partition) {
        Upper upper = partition.upper;
        while (true) {
            int number = draw.nextInt(upper.names / threads) * threads + thread;
            String name = name(partition.name.substring(0, 1), number);
            if (upper.partitions.stream().noneMatch(one -> one.name.equals(name))) {
                return name;
            }
        }
    }

    private void renameUpper(Upper upper) throws Exception {
        String source = upper.path;
        String target;
        do {
            target = root + "/deep/" + name("a", draw.nextInt(deep) * threads + thread);
        } while (isTaken(target));
        long begin = System.nanoTime();
        if (!fs.rename(new Path(source), new Path(target))) {
            throw new IOException("not renamed: " + source);
        }
        long end = System.nanoTime();
        mutator.log(begin, end, "rename", source, ABSENT);
        for (Partition partition : upper.partitions) {
            logTree(begin, end, partition, false);
        }
        upper.path = target;
        mutator.log(begin, end, "rename", target, upper.state);
        for (Partition partition : upper.partitions) {
            logTree(begin, end, partition, true);
        }
    }

    private boolean isTaken(String path) {
        return uppers.stream().anyMatch(one -> one.path.equals(path));
    }

    // ---- what is logged

    private void logTree(long begin, long end, Partition partition, boolean present) throws Exception {
        mutator.log(begin, end, "tree", partition.path(), present ? partition.state : ABSENT);
        for (Map.Entry<String, File> each : partition.files.entrySet()) {
            mutator.log(begin, end, "tree", partition.path() + "/" + each.getKey(),
                present ? each.getValue().state() : ABSENT);
        }
    }

    private void log(long begin, String kind, String path, String state) throws Exception {
        mutator.log(begin, System.nanoTime(), kind, path, state);
    }

    private HdfsFileStatus status(String path) throws IOException {
        return fs.getClient().getFileInfo(path);
    }

    private void look(File file, String path) throws IOException {
        HdfsFileStatus status = status(path);
        if (status.getLen() != file.data.length) {
            throw new IOException(path + " has " + status.getLen() + " bytes, not " + file.data.length);
        }
        file.id = status.getFileId();
        file.mtime = status.getModificationTime();
        file.permission = status.getPermission().toShort();
    }

    private String directory(String path) throws IOException {
        HdfsFileStatus status = status(path);
        return "d\t" + status.getFileId() + "\t0\t0\t" + status.getPermission().toShort() + "\t0";
    }
}

package io.hybridfs;

import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.hdfs.DFSInputStream;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;

/**
 * Lists a tree in all ways until it is told to stop, and writes down when it asked and what it was told, for
 * listing_checking.py: {@code ListingReader URL ROOT LOG SEED THREADS KEY=VALUE…}. At the end it tells its counters.
 */
public final class ListingReader implements Runnable {
    private static final int LEAST_PAUSE = 10;
    private static final int PAUSES = 60;

    private static volatile boolean ending;

    private final FileSystem fs;
    private final String root;
    private final Writer log;
    private final Random draw;

    private ListingReader(FileSystem fs, String root, Writer log, long seed) {
        this.fs = fs;
        this.root = root;
        this.log = log;
        this.draw = new Random(seed);
    }

    public static void main(String[] args) throws Exception {
        Configuration conf = new Configuration();
        for (int i = 5; i < args.length; i++) {
            int equals = args[i].indexOf('=');
            conf.set(args[i].substring(0, equals), args[i].substring(equals + 1));
        }
        conf.set("fs.hdfs.impl", HybridFileSystem.class.getName());
        FileSystem fs = FileSystem.newInstance(URI.create(args[0]), conf);
        List<Thread> threads = new ArrayList<>();
        try (Writer log = Files.newBufferedWriter(Paths.get(args[2]), StandardCharsets.UTF_8)) {
            for (int i = 0; i < Integer.parseInt(args[4]); i++) {
                Thread thread = new Thread(new ListingReader(fs, args[1], log, Long.parseLong(args[3]) * 100 + i));
                thread.start();
                threads.add(thread);
            }
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).readLine();
            ending = true;
            for (Thread thread : threads) {
                thread.join();
            }
        }
        System.out.println(Stats.snapshot());
    }

    @Override
    public void run() {
        try {
            while (!ending) {
                one(draw.nextInt(100));
                Thread.sleep(LEAST_PAUSE + draw.nextInt(PAUSES));
            }
        } catch (Exception e) {
            e.printStackTrace();
            System.exit(1);
        }
    }

    private void one(int chance) throws Exception {
        if (chance < 40) {
            backwards();
        } else if (chance < 60) {
            sweep(root + "/flat", System.nanoTime(), draw.nextInt(3));
        } else if (chance < 80) {
            sweep(root + "/deep", System.nanoTime(), draw.nextInt(3));
        } else if (chance < 85) {
            files(root + "/deep");
        } else if (chance < 90) {
            glob(root + "/flat/p=*/f*");
        } else if (chance < 95) {
            glob(root + "/deep/*/b=*/*");
        } else {
            waiting();
        }
    }

    // ---- requests

    /**
     * Some siblings, each before the last one in their order: no scan, so each answer must be of its own request, but
     * for what follows at once on the listing that shows it.
     */
    private void backwards() throws IOException {
        long began = System.nanoTime();
        List<FileStatus> some = list(root + "/flat", began, draw.nextInt(3));
        if (some == null) {
            return;
        }
        Collections.shuffle(some, draw);
        List<FileStatus> few = some.subList(0, Math.min(12, some.size()));
        few.sort(Comparator.comparing((FileStatus status) -> status.getPath().getName()).reversed());
        for (FileStatus status : few) {
            String path = status.getPath().toUri().getPath();
            List<FileStatus> children = list(path, began, draw.nextInt(3));
            if (children != null && !children.isEmpty()) {
                String child = children.get(draw.nextInt(children.size())).getPath().toUri().getPath();
                status(child, began);
            }
            began = System.nanoTime();
        }
    }

    /** As Spark lists: one directory after the other, in their order, with those below each. */
    private void sweep(String directory, long began, int how) throws IOException {
        long asked = System.nanoTime();
        List<FileStatus> children = list(directory, began, how);
        if (children == null) {
            return;
        }
        for (FileStatus child : children) {
            if (child.isDirectory() && !ending) {
                sweep(child.getPath().toUri().getPath(), began, how);
            }
        }
        if (!children.isEmpty() && draw.nextInt(8) == 0) {
            read(children.get(draw.nextInt(children.size())), asked);
        }
    }

    /** Between its listings a scan pauses, here for longer than it may: those that follow are another one. */
    private void waiting() throws Exception {
        long began = System.nanoTime();
        List<FileStatus> children = list(root + "/flat", began, 0);
        if (children == null || children.size() < 20) {
            return;
        }
        for (int part = 0; part < 3 && !ending; part++) {
            if (part > 0) {
                Thread.sleep(1100);
                began = System.nanoTime();
            }
            for (FileStatus child : children.subList(part * 6, part * 6 + 6)) {
                list(child.getPath().toUri().getPath(), began, 0);
            }
        }
    }

    private List<FileStatus> list(String path, long began, int how) throws IOException {
        String way = how == 0 ? "listLocatedStatus" : how == 1 ? "listStatus" : "listStatusIterator";
        List<FileStatus> found = new ArrayList<>();
        try {
            if (how == 0) {
                add(found, fs.listLocatedStatus(new Path(path)));
            } else if (how == 1) {
                Collections.addAll(found, fs.listStatus(new Path(path)));
            } else {
                add(found, fs.listStatusIterator(new Path(path)));
            }
        } catch (IOException e) {
            failed(began, way, path, e);
            return null;
        }
        told(began, "list", way, path, found);
        return found;
    }

    private void files(String path) throws IOException {
        long began = System.nanoTime();
        List<FileStatus> found = new ArrayList<>();
        try {
            add(found, fs.listFiles(new Path(path), true));
        } catch (IOException e) {
            failed(began, "listFiles", path, e);
            return;
        }
        told(began, "files", "listFiles", path, found);
    }

    private void glob(String pattern) throws IOException {
        long began = System.nanoTime();
        String path = pattern.substring(0, pattern.indexOf('*'));
        path = path.substring(0, path.lastIndexOf('/'));
        List<FileStatus> found = new ArrayList<>();
        try {
            FileStatus[] matching = fs.globStatus(new Path(pattern));
            Collections.addAll(found, matching == null ? new FileStatus[0] : matching);
        } catch (IOException e) {
            failed(began, "globStatus", path, e);
            return;
        }
        told(began, "files", "globStatus", path, found);
    }

    private void status(String path, long began) throws IOException {
        FileStatus found;
        try {
            found = fs.getFileStatus(new Path(path));
        } catch (IOException e) {
            failed(began, "getFileStatus", path, e);
            return;
        }
        told(began, "status", "getFileStatus", path, Collections.singletonList(found));
    }

    /**
     * Of the version that was listed; nothing pins HDFS's own stream, of a file that is being written, to that, and the
     * status of an empty file names none: that opens what there is.
     */
    private void read(FileStatus status, long listed) throws IOException {
        if (status.isDirectory()) {
            return;
        }
        long began = System.nanoTime();
        long id = id(status);
        String found;
        try (FSDataInputStream in = fs.openFile(status.getPath()).withFileStatus(status).build().get()) {
            id = status.getLen() == 0 || in.getWrappedStream() instanceof DFSInputStream ? 0 : id;
            CRC32 sum = new CRC32();
            byte[] data = new byte[1 << 12];
            for (int n = in.read(data); n >= 0; n = in.read(data)) {
                sum.update(data, 0, n);
            }
            found = Long.toString(sum.getValue());
        } catch (Exception e) {
            found = error(e);
        }
        write(began, "read", "openFile", status.getPath().toUri().getPath(),
            listed + "\t" + status.getLen() + "\t" + status.getModificationTime() + "\t" + id + "\t" + found);
    }

    private static <T extends FileStatus> void add(List<FileStatus> all, RemoteIterator<T> some) throws IOException {
        while (some.hasNext()) {
            all.add(some.next());
        }
    }

    // ---- what is written down

    private void told(long began, String what, String way, String path, List<FileStatus> found) throws IOException {
        StringBuilder text = new StringBuilder();
        String above = what.equals("status") ? path.substring(0, path.lastIndexOf('/')) : path;
        for (FileStatus status : found) {
            text.append(text.length() > 0 ? "|" : "")
                .append(status.getPath().toUri().getPath().substring(above.length() + 1)).append(',')
                .append(status.isDirectory() ? 'd' : 'f').append(',').append(status.getLen()).append(',')
                .append(status.getModificationTime()).append(',').append(status.getPermission().toShort())
                .append(',').append(id(status));
        }
        write(began, what, way, path, text.toString());
    }

    private static long id(FileStatus status) {
        return status instanceof HdfsFileStatus ? ((HdfsFileStatus) status).getFileId() : 0;
    }

    private void failed(long began, String way, String path, IOException e) throws IOException {
        write(began, "failed", way, path, error(e));
    }

    private static String error(Throwable e) {
        Throwable cause = e.getCause() instanceof FileNotFoundException ? e.getCause() : e;
        return (cause.getClass().getSimpleName() + " " + cause.getMessage()).replaceAll("[\\t\\n]", " ");
    }

    private void write(long began, String what, String way, String path, String told) throws IOException {
        long ended = System.nanoTime();
        synchronized (log) {
            log.write(what + "\t" + began + "\t" + ended + "\t" + way + "\t" + path + "\t" + told + "\n");
            log.flush();
        }
    }
}

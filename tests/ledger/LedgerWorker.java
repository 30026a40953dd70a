package io.hybridfs;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.hdfs.DistributedFileSystem;

/**
 * Does through the jar, or plain HDFS, what it is told by lines, and answers each with a number: {@code LedgerWorker URL
 * KEY=VALUE…}. {@code with KEY=VALUE…}: from then on through a new file system, with options; {@code plain}: through
 * HDFS's own.
 */
public final class LedgerWorker {
    private final String[] args;
    private FileSystem fs;
    private FileStatus looked;

    private LedgerWorker(String[] args) {
        this.args = args;
    }

    public static void main(String[] args) throws Exception {
        LedgerWorker worker = new LedgerWorker(args);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(worker.answer(line.split(" ")));
            System.out.flush();
        }
    }

    private long answer(String[] words) throws Exception {
        long found = done(words);
        Workers.quiesce();
        return found;
    }

    private long done(String[] words) throws Exception {
        switch (words[0]) {
            case "with":
                use(HybridFileSystem.class, words);
                return 0;
            case "plain":
                use(DistributedFileSystem.class, words);
                return 0;
            case "make":
                return write(words[1], Long.parseLong(words[2]));
            case "tree":
                return tree(words[1], Integer.parseInt(words[2]));
            case "look":
                looked = fs.getFileStatus(new Path(words[1]));
                return looked.getLen();
            case "open":
                return read(fs.open(new Path(words[1])));
            case "openLooked":
                return read(fs.openFile(looked.getPath()).withFileStatus(looked).build().get());
            case "list":
                return list(words[1]).length;
            case "listLocated":
                return located(words[1]);
            case "scan":
                return scan(words[1]);
            case "exists":
                return fs.exists(new Path(words[1])) ? 1 : 0;
            default:
                throw new IllegalArgumentException("no such command: " + words[0]);
        }
    }

    /** Its first call may ask for more than later ones do. */
    private void use(Class<? extends FileSystem> implementation, String[] pairs) throws IOException {
        if (fs != null) {
            fs.close();
        }
        Configuration conf = new Configuration();
        set(conf, args);
        set(conf, pairs);
        conf.set("fs.hdfs.impl", implementation.getName());
        fs = FileSystem.newInstance(URI.create(args[0]), conf);
        fs.getServerDefaults(new Path("/"));
    }

    private static void set(Configuration conf, String[] pairs) {
        for (int i = 1; i < pairs.length; i++) {
            int equals = pairs[i].indexOf('=');
            conf.set(pairs[i].substring(0, equals), pairs[i].substring(equals + 1));
        }
    }

    private long write(String path, long size) throws IOException {
        byte[] data = new byte[1 << 20];
        for (int i = 0; i < data.length; i++) {
            data[i] = (byte) (i * 31 + i / 255);
        }
        try (OutputStream out = fs.create(new Path(path))) {
            for (long left = size; left > 0; left -= data.length) {
                out.write(data, 0, (int) Math.min(left, data.length));
            }
        }
        return size;
    }

    /** So many directories of two files, made two hours ago as far as their times tell. */
    private long tree(String path, int number) throws IOException {
        long then = System.currentTimeMillis() - 7_200_000;
        for (int i = 0; i < number; i++) {
            Path directory = new Path(String.format("%s/part=%04d", path, i));
            for (int file = 0; file < 2; file++) {
                fs.create(new Path(directory, "f" + file)).close();
            }
            fs.setTimes(directory, then, then);
        }
        return number;
    }

    private static long read(FSDataInputStream opened) throws IOException {
        long read = 0;
        try (FSDataInputStream in = opened) {
            byte[] data = new byte[1 << 16];
            for (int n = in.read(data); n >= 0; n = in.read(data)) {
                read += n;
            }
        }
        return read;
    }

    private FileStatus[] list(String path) throws IOException {
        return fs.listStatus(new Path(path));
    }

    private long located(String path) throws IOException {
        long found = 0;
        for (RemoteIterator<?> each = fs.listLocatedStatus(new Path(path)); each.hasNext(); each.next()) {
            found++;
        }
        return found;
    }

    /** As Spark lists a table: the directories below a path one after the other; how many files there are. */
    private long scan(String path) throws IOException {
        long files = 0;
        for (FileStatus status : list(path)) {
            files += status.isDirectory() ? scan(status.getPath().toUri().getPath()) : 1;
        }
        return files;
    }
}

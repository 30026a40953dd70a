package io.hybridfs;

import java.io.InputStream;
import java.net.URI;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Reads a file whole, by several threads at once, and prints its SHA-256 and the counters: for trying things out. */
public final class ReadTool {
    private static final int BUFFER = 1 << 20;

    private ReadTool() {
    }

    /** {@code [-D key=value]... URI [THREADS]}. */
    public static void main(String[] args) throws Exception {
        Configuration conf = new Configuration();
        conf.set("fs.hdfs.impl", HybridFileSystem.class.getName());
        conf.set("fs.hybridfs.impl", HybridFileSystem.class.getName());
        int at = 0;
        for (; at + 1 < args.length && args[at].equals("-D"); at += 2) {
            String[] pair = args[at + 1].split("=", 2);
            if (pair.length < 2) {
                throw new IllegalArgumentException("-D " + args[at + 1] + " is not key=value");
            }
            conf.set(pair[0], pair[1]);
        }
        if (at == args.length) {
            throw new IllegalArgumentException("usage: ReadTool [-D key=value]... URI [THREADS]");
        }
        String uri = args[at];
        int threads = at + 1 < args.length ? Integer.parseInt(args[at + 1]) : 1;
        FileSystem fs = FileSystem.get(URI.create(uri), conf);
        ExecutorService readers = Executors.newFixedThreadPool(threads);
        List<Future<String>> results = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            results.add(readers.submit(() -> sha256(fs, new Path(uri))));
        }
        TreeSet<String> digests = new TreeSet<>();
        for (Future<String> result : results) {
            digests.add(result.get());
        }
        readers.shutdown();
        Workers.quiesce();
        System.out.println("{\"sha256\": [\"" + String.join("\", \"", digests) + "\"], \"stats\": "
            + Stats.snapshot() + "}");
    }

    private static String sha256(FileSystem fs, Path path) throws Exception {
        MessageDigest digest = Digests.sha256();
        byte[] buffer = new byte[BUFFER];
        try (InputStream in = fs.open(path)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
        }
        return Digests.hex(digest.digest());
    }
}

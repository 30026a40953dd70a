package io.hybridfs;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.InputStreamReader;
import java.io.Writer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.DistributedFileSystem;

/**
 * Another client of HDFS, without a cache, that changes a tree and logs what it did: {@code ListingMutator URL ROOT LOG
 * SEED THREADS FLAT DEEP KEY=VALUE…}. It makes the tree and says so, and then does as it is told: {@code NUMBER
 * PER_SECOND} of mutations, after which the log is whole up to then.
 */
public final class ListingMutator {
    private final DistributedFileSystem fs;
    private final Writer log;

    private ListingMutator(DistributedFileSystem fs, Writer log) {
        this.fs = fs;
        this.log = log;
    }

    public static void main(String[] args) throws Exception {
        Configuration conf = new Configuration();
        for (int i = 7; i < args.length; i++) {
            int equals = args[i].indexOf('=');
            conf.set(args[i].substring(0, equals), args[i].substring(equals + 1));
        }
        conf.set("fs.hdfs.impl", DistributedFileSystem.class.getName());
        DistributedFileSystem fs = (DistributedFileSystem) FileSystem.newInstance(URI.create(args[0]), conf);
        BufferedWriter log = Files.newBufferedWriter(Paths.get(args[2]), StandardCharsets.UTF_8);
        ListingMutator mutator = new ListingMutator(fs, log);
        int threads = Integer.parseInt(args[4]);
        int flat = Integer.parseInt(args[5]);
        int deep = Integer.parseInt(args[6]);
        List<ListingTree> trees = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            trees.add(new ListingTree(mutator, args[1], Long.parseLong(args[3]), i, threads, flat, deep));
        }
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        mutator.all(pool, trees, ListingTree::make);
        ListingTree.age(fs, args[1]);
        System.out.println("made");
        BufferedReader told = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = told.readLine(); line != null; line = told.readLine()) {
            String[] words = line.split(" ");
            int each = Integer.parseInt(words[0]) / threads;
            long pause = (long) (1e9 * threads / Double.parseDouble(words[1]));
            mutator.all(pool, trees, tree -> tree.mutate(each, pause));
            log.flush();
            System.out.println("done " + each * threads + " " + System.nanoTime());
        }
        pool.shutdown();
    }

    private interface Part {
        void of(ListingTree tree) throws Exception;
    }

    private void all(ExecutorService pool, List<ListingTree> trees, Part part) throws Exception {
        List<Future<?>> running = new ArrayList<>();
        for (ListingTree tree : trees) {
            running.add(pool.submit(() -> {
                part.of(tree);
                return null;
            }));
        }
        try {
            for (Future<?> each : running) {
                each.get();
            }
        } catch (Exception e) {
            e.printStackTrace();
            System.exit(1);
        }
        log.flush();
    }

    DistributedFileSystem hdfs() {
        return fs;
    }

    /** A path got a state by something that was done from {@code begin} until {@code end}. */
    synchronized void log(long begin, long end, String kind, String path, String state) throws Exception {
        log.write(begin + "\t" + end + "\t" + kind + "\t" + path + "\t" + state + "\n");
    }
}

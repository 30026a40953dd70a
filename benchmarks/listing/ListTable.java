package io.hybridfs;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/**
 * Lists a table as Spark's file index does: {@code ListTable <table> <threads> <limit> name=value…}, the last being
 * properties of Hadoop. One thread goes depth first; several share the directories of each level. It stops after
 * {@code limit} partitions and prints its figures as one line of JSON.
 */
public final class ListTable {
    private final FileSystem fs;
    private final int limit;
    private int partitions;

    private ListTable(FileSystem fs, int limit) {
        this.fs = fs;
        this.limit = limit;
    }

    public static void main(String[] args) throws Exception {
        Configuration conf = new Configuration();
        for (int i = 3; i < args.length; i++) {
            int equals = args[i].indexOf('=');
            conf.set(args[i].substring(0, equals), args[i].substring(equals + 1));
        }
        Path table = new Path(args[0]);
        int threads = Integer.parseInt(args[1]);
        FileSystem fs = FileSystem.get(URI.create(args[0]), conf);
        ListTable lister = new ListTable(fs, Integer.parseInt(args[2]));
        long cpu = cpu();
        long start = System.nanoTime();
        List<LocatedFileStatus> top = lister.list(table);
        double first = (System.nanoTime() - start) / 1e9;
        List<LocatedFileStatus> files = threads == 1 ? lister.depthFirst(top) : lister.byLevel(top, threads);
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf(
            "{\"wall\": %.4f, \"first\": %.4f, \"cpu\": %.3f, \"files\": %d, \"top\": %d, \"partitions\": %d, "
            + "\"heap\": %d}%n",
            seconds, first, (cpu() - cpu) / 1e9, files.size(), top.size(), lister.partitions, heap());
        System.out.flush();
        System.exit(0);  // as Spark's driver does: with the hooks, without waiting for anybody's threads
    }

    private List<LocatedFileStatus> depthFirst(List<LocatedFileStatus> listed) throws IOException {
        List<LocatedFileStatus> files = new ArrayList<>();
        for (LocatedFileStatus status : listed) {
            if (status.isFile()) {
                files.add(status);
            } else if (partitions < limit) {
                files.addAll(depthFirst(list(status.getPath())));
            }
        }
        if (!files.isEmpty() && listed.get(0).isFile()) {
            partitions++;
        }
        return files;
    }

    private List<LocatedFileStatus> byLevel(List<LocatedFileStatus> top, int threads) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        List<LocatedFileStatus> level = top;
        while (!level.isEmpty() && level.get(0).isDirectory()) {
            List<Callable<List<LocatedFileStatus>>> calls = new ArrayList<>();
            for (LocatedFileStatus status : level) {
                calls.add(() -> list(status.getPath()));
            }
            partitions = level.size();
            List<LocatedFileStatus> next = new ArrayList<>();
            for (Future<List<LocatedFileStatus>> done : pool.invokeAll(calls)) {
                next.addAll(done.get());
            }
            level = next;
        }
        pool.shutdown();
        return level;
    }

    private List<LocatedFileStatus> list(Path path) throws IOException {
        List<LocatedFileStatus> found = new ArrayList<>();
        RemoteIterator<LocatedFileStatus> each = fs.listLocatedStatus(path);
        while (each.hasNext()) {
            found.add(each.next());
        }
        return found;
    }

    private static long cpu() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
            .getProcessCpuTime();
    }

    /** The most that was used, with what was yet to be collected. */
    private static long heap() {
        long peak = 0;
        for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
            if (pool.getType() == java.lang.management.MemoryType.HEAP) {
                peak += pool.getPeakUsage().getUsed();
            }
        }
        return peak;
    }
}

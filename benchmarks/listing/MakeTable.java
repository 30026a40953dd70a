package io.hybridfs;

import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Makes the tables, beside the NameNode: {@code MakeTable <table> <partitions> <file>} makes p=00000, p=00001 … with
 * two copies of the file each; {@code MakeTable <table> <partitions> <moved>} makes a=00/b=00 … of another's.
 * All directories are as if they had last changed ten minutes ago.
 */
public final class MakeTable {
    private static final int THREADS = 16;
    private static final long AGE_MS = 600_000;

    public static void main(String[] args) throws Exception {
        Path table = new Path(args[0]);
        int partitions = Integer.parseInt(args[1]);
        FileSystem fs = FileSystem.get(URI.create(args[0]), new Configuration());
        if (args[2].startsWith("hdfs:")) {
            move(fs, new Path(args[2]), table, partitions);
        } else {
            write(fs, table, partitions, Files.readAllBytes(Paths.get(args[2])));
        }
    }

    private static void write(FileSystem fs, Path table, int partitions, byte[] content) throws Exception {
        each(partitions, number -> {
            Path partition = flat(table, number);
            for (int file = 0; file < 2; file++) {
                try (OutputStream out = fs.create(new Path(partition, "part-0000" + file + ".parquet"))) {
                    out.write(content);
                }
            }
            age(fs, partition);
            return null;
        });
        age(fs, table);
    }

    private static void move(FileSystem fs, Path from, Path table, int partitions) throws Exception {
        int side = (int) Math.ceil(Math.sqrt(partitions));
        each(side, first -> fs.mkdirs(new Path(table, String.format("a=%02d", first))));
        each(partitions, number -> {
            Path partition = new Path(table, String.format("a=%02d/b=%02d", number / side, number % side));
            if (!fs.rename(flat(from, number), partition)) {
                throw new IllegalStateException("not renamed: " + partition);
            }
            return null;
        });
        each(side, first -> {
            age(fs, new Path(table, String.format("a=%02d", first)));
            return null;
        });
        age(fs, table);
    }

    private static Path flat(Path table, int number) {
        return new Path(table, String.format("p=%05d", number));
    }

    private static void age(FileSystem fs, Path directory) throws Exception {
        long then = System.currentTimeMillis() - AGE_MS;
        fs.setTimes(directory, then, then);
    }

    private interface Step {
        Object of(int number) throws Exception;
    }

    private static void each(int count, Step step) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(THREADS);
        List<Callable<Object>> steps = new ArrayList<>();
        for (int number = 0; number < count; number++) {
            int it = number;
            steps.add(() -> step.of(it));
        }
        try {
            for (Future<Object> done : pool.invokeAll(steps)) {
                done.get();
            }
        } finally {
            pool.shutdown();
        }
    }
}

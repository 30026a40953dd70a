package io.hybridfs;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;

/** Trees of directories that tests list, and how. */
final class ScanTrees {
    private static final long AN_HOUR = 3_600_000;

    private ScanTrees() {
    }

    static String name(int number) {
        return String.format("p=%05d", number);
    }

    /** A table of partitions of empty files each, which nobody has changed for an hour. */
    static Path table(FileSystem plain, String path, int partitions, int files) throws IOException {
        Path table = new Path(path);
        plain.mkdirs(table);
        for (int i = 0; i < partitions; i++) {
            partition(plain, new Path(table, name(i)), files);
        }
        return table;
    }

    static void partition(FileSystem plain, Path partition, int files) throws IOException {
        plain.mkdirs(partition);
        for (int i = 0; i < files; i++) {
            plain.create(new Path(partition, "f" + i)).close();
        }
        age(plain, partition);
    }

    static void age(FileSystem plain, Path dir) throws IOException {
        plain.setTimes(dir, System.currentTimeMillis() - AN_HOUR, -1);
    }

    /** As Spark's driver: a directory, then what is below it, depth first; all files. */
    static List<LocatedFileStatus> leaves(FileSystem fs, Path dir) throws IOException {
        List<LocatedFileStatus> files = new ArrayList<>();
        List<Path> dirs = new ArrayList<>();
        RemoteIterator<LocatedFileStatus> each = fs.listLocatedStatus(dir);
        while (each.hasNext()) {
            LocatedFileStatus status = each.next();
            if (status.isDirectory()) {
                dirs.add(status.getPath());
            } else {
                files.add(status);
            }
        }
        for (Path below : dirs) {
            files.addAll(leaves(fs, below));
        }
        return files;
    }

    /** All that is told of a status, but for hosts. */
    static String told(FileStatus status) {
        HdfsFileStatus hdfs = (HdfsFileStatus) status;
        return String.join(" ", String.valueOf(status.getPath()), String.valueOf(status.isDirectory()),
            String.valueOf(status.getLen()), String.valueOf(status.getModificationTime()),
            String.valueOf(status.getAccessTime()), String.valueOf(status.getBlockSize()),
            String.valueOf(status.getReplication()), String.valueOf(status.getPermission()), status.getOwner(),
            status.getGroup(), String.valueOf(status.hasAcl()), String.valueOf(status.isErasureCoded()),
            String.valueOf(status.isSnapshotEnabled()), String.valueOf(hdfs.getFileId()),
            String.valueOf(hdfs.getErasureCodingPolicy()), String.valueOf(hdfs.getChildrenNum()),
            String.valueOf(hdfs.getStoragePolicy()), hdfs.getLocalName(), status.getClass().getSimpleName());
    }

    static List<String> told(List<? extends FileStatus> statuses) {
        List<String> told = new ArrayList<>();
        statuses.forEach(status -> told.add(told(status)));
        return told;
    }

    static List<String> told(FileStatus[] statuses) {
        List<String> told = new ArrayList<>();
        for (FileStatus status : statuses) {
            told.add(told(status));
        }
        return told;
    }

    static Map<String, Long> calls(Object... methodsAndCounts) {
        Map<String, Long> calls = new TreeMap<>();
        for (int i = 0; i < methodsAndCounts.length; i += 2) {
            calls.put((String) methodsAndCounts[i], ((Integer) methodsAndCounts[i + 1]).longValue());
        }
        return calls;
    }
}

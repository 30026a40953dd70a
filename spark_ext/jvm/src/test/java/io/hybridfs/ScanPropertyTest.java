package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.fs.permission.AclEntry;
import org.apache.hadoop.fs.permission.AclEntryScope;
import org.apache.hadoop.fs.permission.AclEntryType;
import org.apache.hadoop.fs.permission.FsAction;
import org.apache.hadoop.fs.permission.FsPermission;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random trees, changed by another client between walks of all kinds, are told as plain HDFS tells them. */
class ScanPropertyTest {
    private static final int WALKS = 12;
    /** In an order that is not that of Java's strings, hidden, and parts of each other. */
    private static final String[] NAMES = {"a", "a=1", "a=10", "a.b", "a b", "_a", ".a", "_a=1", "\u00e4", "\u65e5",
        "\ud83d\ude00", "Z", "z", "~", "a+b", "%41", "=", "-"};

    @TempDir
    java.nio.file.Path root;
    private Random random;
    private FileSystem plain;
    private FileSystem fs;
    private Path base;
    private int made;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void allWalksAreToldAsByPlainHdfs(long seed) throws Exception {
        random = new Random(seed);
        base = new Path("/walks/" + seed);
        plain = MiniHdfs.client(MiniHdfs.plain());
        plain.delete(base, true);
        fs = MiniHdfs.client(MiniHdfs.cached(root));
        try {
            grow(base, 3);
            for (int walk = 0; walk < WALKS; walk++) {
                fs.listStatus(base.getParent()); // whatever was a scan is over
                walk(walk);
                Workers.quiesce();
                change();
            }
        } finally {
            fs.close();
            plain.close();
        }
    }

    private void grow(Path dir, int levels) throws IOException {
        plain.mkdirs(dir);
        for (int i = random.nextInt(levels == 0 ? 4 : 14); i > 0; i--) {
            Path child = new Path(dir, name());
            if (plain.exists(child)) {
                continue;
            }
            if (levels > 0 && random.nextInt(3) > 0) {
                grow(child, levels - 1);
            } else {
                file(child);
            }
        }
        if (random.nextInt(5) > 0) {
            ScanTrees.age(plain, dir);
        }
    }

    private String name() {
        return random.nextInt(3) == 0 ? NAMES[random.nextInt(NAMES.length)] : "p=" + random.nextInt(40);
    }

    private void file(Path file) throws IOException {
        MiniHdfs.write(plain, file.toString(), new byte[random.nextInt(4) == 0 ? random.nextInt(600_000) : 0]);
        if (random.nextInt(5) == 0) {
            plain.setPermission(file, new FsPermission((short) random.nextInt(01000)));
        }
        if (random.nextInt(5) == 0) {
            plain.modifyAclEntries(file, Collections.singletonList(new AclEntry.Builder()
                .setScope(AclEntryScope.ACCESS).setType(AclEntryType.USER).setName("bob")
                .setPermission(FsAction.READ).build()));
        }
        made++;
    }

    private List<Path> directories(Path dir) throws IOException {
        List<Path> all = new ArrayList<>();
        all.add(dir);
        for (FileStatus status : plain.listStatus(dir)) {
            if (status.isDirectory()) {
                all.addAll(directories(status.getPath()));
            }
        }
        return all;
    }

    /** Creates, deletes and renames, which no later walk may miss. */
    private void change() throws IOException {
        for (int i = random.nextInt(6); i > 0; i--) {
            List<Path> all = directories(base);
            Path dir = all.get(random.nextInt(all.size()));
            Path other = all.get(random.nextInt(all.size()));
            int what = random.nextInt(5);
            if (what == 0 && !dir.equals(base)) {
                plain.delete(dir, true);
            } else if (what == 1 && !dir.equals(base) && !(other + "/").startsWith(dir + "/")) {
                plain.rename(dir, new Path(other, "r" + made++));
            } else if (what == 2) {
                grow(new Path(dir, "n" + made++), 1);
            } else {
                file(new Path(dir, "f" + made++));
            }
        }
    }

    private void walk(int number) throws IOException {
        List<Path> order = directories(base);
        int kind = random.nextInt(6);
        if (kind == 0) {
            assertEquals(ScanTrees.told(files(plain)), ScanTrees.told(files(fs)));
            return;
        }
        if (kind == 1) {
            for (String glob : new String[] {"/*", "/*/*", "/p=*/*", "/*/*/*"}) {
                Path pattern = new Path(base + glob);
                assertEquals(ScanTrees.told(plain.globStatus(pattern)), ScanTrees.told(fs.globStatus(pattern)));
            }
            return;
        }
        if (kind == 2) {
            Collections.shuffle(order, random);
        } else if (kind == 3) {
            order.removeIf(dir -> random.nextInt(3) == 0);
        } else if (kind == 4) {
            order.addAll(order);
        }
        for (Path dir : order) {
            String what = "walk " + number + " of kind " + kind + " at " + dir;
            if (random.nextInt(6) == 0) {
                assertEquals(ScanTrees.told(plain.getFileStatus(dir)), ScanTrees.told(fs.getFileStatus(dir)), what);
            }
            if (random.nextBoolean()) {
                assertEquals(ScanTrees.told(plain.listStatus(dir)), ScanTrees.told(fs.listStatus(dir)), what);
            } else {
                assertEquals(ScanTrees.told(located(plain, dir)), ScanTrees.told(located(fs, dir)), what);
            }
        }
    }

    private static List<LocatedFileStatus> located(FileSystem of, Path dir) throws IOException {
        return all(of.listLocatedStatus(dir));
    }

    private List<LocatedFileStatus> files(FileSystem of) throws IOException {
        return all(of.listFiles(base, true));
    }

    private static List<LocatedFileStatus> all(RemoteIterator<LocatedFileStatus> each) throws IOException {
        List<LocatedFileStatus> all = new ArrayList<>();
        while (each.hasNext()) {
            all.add(each.next());
        }
        return all;
    }
}

package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whose grants they are, and what ends them. */
class GrantsTest {
    private static final byte[] DATA = GoldenMaker.bytes(9, 200_000);

    @Test
    void whatWasGrantedBeforeAMutationCountsNoMoreWhenItIsToldLate() {
        Grants grants = new Grants("alice", 3_600_000);
        FileVersion version = new FileVersion("hdfs-a", "hdfs://a/d/f", 1, 1, 0);
        long asked = System.nanoTime();
        Grants.drop("hdfs://a/d");
        grants.given(version, asked);
        assertNull(grants.held(version));
        grants.given(version, System.nanoTime());
        assertNotNull(grants.held(version));
        Grants.drop("hdfs://a/d");
        assertNull(grants.held(version));
    }

    @Test
    void noNameOfAUserOrAFileIsTakenForAnother() {
        FileVersion version = new FileVersion("hdfs-a", "hdfs://a/names/f", 1, 1, 0);
        new Grants("alice", 3_600_000).given(version, System.nanoTime());
        for (String other : new String[] {"alice@CLOUD", "alic", "alice\n1", "bob"}) {
            Grants grants = new Grants(other, 3_600_000);
            assertNull(grants.held(version));
            assertNull(grants.latest(version.uri));
            // A file may be called so.
            String uri = version.uri + "\n" + other;
            assertNull(grants.held(new FileVersion("hdfs-a", uri, 1, 1, 0)));
            new Grants("alice", 3_600_000).given(new FileVersion("hdfs-a", uri, 1, 1, 0), System.nanoTime());
            assertNull(grants.latest(version.uri));
            assertNull(grants.latest(uri));
        }
        Grants alice = new Grants("alice", 3_600_000);
        assertNotNull(alice.held(version));
        assertNull(alice.held(new FileVersion("hdfs-a", version.uri, 1, 2, 0)));
        Grants.drop("hdfs://a/name");
        Grants.drop("hdfs://a/names/f/g");
        assertNotNull(alice.held(version));
        Grants.drop("hdfs://a/");
        assertNull(alice.held(version));
    }

    @Test
    void aGrantIsOfOneFile() {
        Grants grants = new Grants("alice", 3_600_000);
        FileVersion version = new FileVersion("hdfs-a", "hdfs://a/ids/f", 1, 1, 7);
        grants.given(version, System.nanoTime());
        assertNull(grants.held(new FileVersion("hdfs-a", "hdfs://a/ids/f", 1, 1, 8)));
        assertEquals(7, grants.held(new FileVersion("hdfs-a", "hdfs://a/ids/f", 1, 1, 0)).validator);
    }

    /** An own change of a file or of a directory above it. */
    private interface Change {
        void apply(DistributedFileSystem fs, Path path) throws Exception;
    }

    @Test
    void ownChangesDropGrants(@TempDir java.nio.file.Path root) throws Exception {
        Configuration conf = MiniHdfs.cached(root, Options.FRESHNESS, "1h");
        List<Change> changes = Arrays.asList((fs, path) -> fs.setTimes(path, 1_000_000_000_000L, -1),
            (fs, path) -> fs.setOwner(path, "alice", "users"),
            (fs, path) -> fs.setPermission(path.getParent(), new FsPermission((short) 0755)),
            (fs, path) -> fs.setStoragePolicy(path, "HOT"), (fs, path) -> fs.unsetStoragePolicy(path),
            (fs, path) -> fs.setXAttr(path, "user.a", new byte[1]), (fs, path) -> fs.removeXAttr(path, "user.a"),
            (fs, path) -> fs.recoverLease(path), (fs, path) -> fs.rename(path, path.suffix("-away")),
            (fs, path) -> fs.delete(path.suffix("-away"), false));
        try (DistributedFileSystem fs = (DistributedFileSystem) MiniHdfs.client(conf)) {
            Path path = new Path("/changed/f");
            MiniHdfs.write(fs, path.toString(), DATA);
            fs.allowSnapshot(path.getParent());
            FileStatus status = fs.getFileStatus(path);
            // Which gives files other names, and those are passed through.
            fs.createSnapshot(path.getParent(), "s");
            Path kept = new Path(path.getParent(), ".snapshot/s/f");
            long passed = Stats.get(Miss.TEMPORARY);
            assertArrayEquals(DATA, MiniHdfs.read(fs, kept.toString()));
            assertEquals(passed + 1, Stats.get(Miss.TEMPORARY));
            fs.deleteSnapshot(path.getParent(), "s");
            Grants grants = new Grants("alice", 3_600_000);
            for (Change change : changes) {
                FileVersion changed = version(status, changes.indexOf(change) == changes.size() - 1 ? "-away" : "");
                grants.given(changed, System.nanoTime());
                assertNotNull(grants.held(changed));
                change.apply(fs, path);
                assertNull(grants.held(changed), "change " + changes.indexOf(change));
            }
            fs.disallowSnapshot(path.getParent());
        }
    }

    private static FileVersion version(FileStatus status, String suffix) throws Exception {
        String authority = CanonicalUri.authority(MiniHdfs.plain(), MiniHdfs.cluster().getURI());
        String uri = CanonicalUri.file(authority, status.getPath().toUri().getPath() + suffix);
        return new FileVersion("hdfs-" + authority, uri, status.getModificationTime(),
            status.getLen(), 0);
    }
}

package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.AclEntry;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.client.HdfsDataOutputStream;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code bounded} answers without the NameNode, and that nothing of it outlives a change by this process. */
class BoundedTest {
    private static final Map<String, Long> NONE = Collections.emptyMap();
    private static final Map<String, Long> ONE = Collections.singletonMap("GetFileInfo", 1L);

    @TempDir
    java.nio.file.Path root;
    private DistributedFileSystem plain;
    private Path dir;

    @BeforeEach
    void setUp() throws Exception {
        Mutations.forget();
        plain = (DistributedFileSystem) MiniHdfs.client(MiniHdfs.plain());
        dir = new Path("/bounded-" + System.nanoTime());
        MiniHdfs.write(plain, dir + "/file", new byte[10]);
        plain.mkdirs(new Path(dir, "sub/below"));
    }

    @AfterEach
    void tearDown() throws Exception {
        Workers.quiesce();
        plain.delete(dir, true);
        plain.close();
    }

    private HybridFileSystem cached(String... options) throws IOException {
        String[] all = Arrays.copyOf(options, options.length + 2);
        all[options.length] = Options.FRESHNESS;
        all[options.length + 1] = "1h";
        HybridFileSystem fs = (HybridFileSystem) MiniHdfs.client(MiniHdfs.cached(root, all));
        fs.getFileStatus(new Path("/"));
        return fs;
    }

    private HybridFileSystem bounded() throws IOException {
        return cached(Options.LISTINGS, "bounded");
    }

    /** As a listing through {@code fs} would. */
    private Listing keep(HybridFileSystem fs, Path path) throws Exception {
        long nanos = System.nanoTime();
        long millis = System.currentTimeMillis();
        HdfsFileStatus[] children =
            plain.getClient().listPaths(path.toString(), HdfsFileStatus.EMPTY_NAME).getPartialListing();
        Listing listing = Listing.of(path.toString(), null, Arrays.asList(children), nanos, millis, 1);
        fs.listings().entries.keep(listing);
        Workers.quiesce();
        return listing;
    }

    @Test
    void statusesComeFromTheEntryOfTheParent() throws Exception {
        HybridFileSystem fs = bounded();
        keep(fs, dir);
        long reused = Stats.get(Stats.Counter.STATUSES_REUSED);
        for (String name : new String[] {"file", "sub"}) {
            Path path = new Path(dir, name);
            FileStatus expected = plain.getFileStatus(path);
            NameNodeCalls.assertMakes(NONE, () -> {
                FileStatus told = fs.getFileStatus(path);
                assertEquals(ListingTest.told((HdfsFileStatus) expected), ListingTest.told((HdfsFileStatus) told));
                assertEquals(expected.getPath(), told.getPath());
                assertEquals(expected.getClass(), told.getClass());
                assertTrue(fs.exists(path));
                assertEquals(name.equals("file"), fs.isFile(path));
                assertEquals(name.equals("sub"), fs.isDirectory(path));
            });
        }
        assertEquals(8, Stats.get(Stats.Counter.STATUSES_REUSED) - reused);
        Path missing = new Path(dir, "missing");
        String expected =
            assertThrows(FileNotFoundException.class, () -> plain.getFileStatus(missing)).getMessage();
        NameNodeCalls.assertMakes(NONE, () -> {
            assertFalse(fs.exists(missing));
            assertEquals(expected,
                assertThrows(FileNotFoundException.class, () -> fs.getFileStatus(missing)).getMessage());
        });
        fs.close();
    }

    @Test
    void whatWasNotThereIsKeptToo() throws Exception {
        HybridFileSystem fs = bounded();
        Path missing = new Path(dir, "missing");
        NameNodeCalls.assertMakes(ONE, () -> assertFalse(fs.exists(missing)));
        Workers.quiesce();
        NameNodeCalls.assertMakes(NONE, () -> assertFalse(fs.exists(missing)));
        NameNodeCalls.assertMakes(NONE, () -> assertFalse(fs.exists(new Path(missing, "below"))));
        assertTrue(fs.listings().bounded(missing.toString()).isAbsent());
        plain.mkdirs(missing);
        NameNodeCalls.assertMakes(NONE, () -> assertFalse(fs.exists(missing)));
        fs.mkdirs(new Path(missing, "below"));
        assertTrue(fs.exists(missing));
        fs.close();
    }

    @Test
    void onlyBoundedAnswersWithoutTheNameNode() throws Exception {
        for (String[] options : new String[][] {{Options.LISTINGS, "validated"}, {}, {Options.LISTINGS, "origin"}}) {
            HybridFileSystem fs = cached(options);
            keep(fs, dir);
            assertNull(fs.listings().bounded(dir.toString()));
            NameNodeCalls.assertMakes(ONE, () -> fs.getFileStatus(new Path(dir, "file")));
            NameNodeCalls.assertMakes(ONE, () -> assertFalse(fs.exists(new Path(dir, "missing"))));
            fs.close();
        }
        HybridFileSystem fs = bounded();
        assertNotNull(fs.listings().bounded(dir.toString()));
        NameNodeCalls.assertMakes(NONE, () -> fs.getFileStatus(new Path(dir, "file")));
        Files.write(root.resolve("disabled"), new byte[0]);
        NameNodeCalls.assertMakes(ONE, () -> fs.getFileStatus(new Path(dir, "file")));
        Files.delete(root.resolve("disabled"));
        fs.close();
        FileSystem never = MiniHdfs.client(MiniHdfs.cached(root, Options.LISTINGS, "bounded", Options.FRESHNESS, "0"));
        never.getFileStatus(new Path("/"));
        NameNodeCalls.assertMakes(ONE, () -> never.getFileStatus(new Path(dir, "file")));
        never.close();
        FileSystem bob = Users.as("bob", MiniHdfs.cached(root, Options.LISTINGS, "bounded", Options.FRESHNESS, "1h"));
        bob.getFileStatus(new Path("/"));
        NameNodeCalls.assertMakes(ONE, () -> bob.getFileStatus(new Path(dir, "file")));
        bob.close();
    }

    /** Of which the listing of the parent tells nothing. */
    @Test
    void snapshotsAreAskedFor() throws Exception {
        plain.allowSnapshot(dir);
        plain.createSnapshot(dir, "s");
        HybridFileSystem fs = bounded();
        keep(fs, dir);
        assertTrue(fs.exists(new Path(dir, ".snapshot")));
        assertTrue(fs.exists(new Path(dir, ".snapshot/s/file")));
        assertTrue(fs.exists(new Path("/.reserved/.inodes/"
            + ((HdfsFileStatus) plain.getFileStatus(dir)).getFileId() + "/file")));
        plain.deleteSnapshot(dir, "s");
        plain.disallowSnapshot(dir);
        fs.close();
    }

    private interface Change {
        void make(HybridFileSystem fs) throws Exception;
    }

    private Map<String, Change> changes() {
        Map<String, Change> changes = new LinkedHashMap<>();
        Path file = new Path(dir, "file");
        Path sub = new Path(dir, "sub");
        changes.put("create", fs -> fs.create(new Path(dir, "new")).close());
        changes.put("create below", fs -> fs.create(new Path(dir, "new/deep/down")).close());
        changes.put("overwrite", fs -> MiniHdfs.write(fs, file.toString(), new byte[20]));
        changes.put("createFile", fs -> fs.createFile(new Path(dir, "built")).build().close());
        changes.put("append", fs -> {
            try (FSDataOutputStream out = fs.append(file)) {
                out.write(1);
            }
        });
        changes.put("mkdirs", fs -> fs.mkdirs(new Path(dir, "made/deep")));
        changes.put("mkdir", fs -> fs.mkdir(new Path(dir, "made"), new FsPermission((short) 0700)));
        changes.put("rename", fs -> fs.rename(file, new Path(dir, "renamed")));
        changes.put("rename to below", fs -> fs.rename(file, new Path(sub, "moved")));
        changes.put("rename over", fs -> fs.rename(new Path(dir, "sub/below"), new Path(dir, "moved"),
            org.apache.hadoop.fs.Options.Rename.OVERWRITE));
        changes.put("delete", fs -> fs.delete(file, false));
        changes.put("delete directory", fs -> fs.delete(sub, true));
        changes.put("truncate", fs -> fs.truncate(file, 5));
        changes.put("chmod", fs -> fs.setPermission(file, new FsPermission((short) 0600)));
        changes.put("chown", fs -> fs.setOwner(file, "alice", "staff"));
        changes.put("times", fs -> fs.setTimes(file, 1234, 5678));
        changes.put("acl", fs -> fs.modifyAclEntries(sub, AclEntry.parseAclSpec("user:bob:r-x", true)));
        changes.put("replication", fs -> fs.setReplication(file, (short) 1));
        changes.put("policy", fs -> fs.setStoragePolicy(sub, "COLD"));
        changes.put("coding", fs -> {
            plain.enableErasureCodingPolicy("XOR-2-1-1024k");
            fs.setErasureCodingPolicy(sub, "XOR-2-1-1024k");
        });
        changes.put("snapshots", fs -> {
            fs.allowSnapshot(sub);
            fs.disallowSnapshot(sub);
            fs.allowSnapshot(sub);
        });
        changes.put("concat", fs -> {
            MiniHdfs.write(plain, dir + "/other", new byte[10]);
            fs.concat(file, new Path[] {new Path(dir, "other")});
        });
        return changes;
    }

    private String told(FileSystem fs) throws IOException {
        StringBuilder told = new StringBuilder();
        for (String name : new String[] {"file", "sub", "new", "new/deep", "built", "made", "made/deep", "renamed",
            "moved", "sub/moved", "sub/below", "other"}) {
            try {
                told.append(ListingTest.told((HdfsFileStatus) fs.getFileStatus(new Path(dir, name))));
            } catch (FileNotFoundException none) {
                told.append(name).append(" is not there");
            }
            told.append('\n');
        }
        return told.toString();
    }

    /** Through the same file system, another one of this process, and what another process finds on disk. */
    @Test
    void nothingOutlivesAChangeByThisProcess() throws Exception {
        HybridFileSystem fs = bounded();
        HybridFileSystem other = bounded();
        for (Map.Entry<String, Change> change : changes().entrySet()) {
            makeAgain();
            Mutations.forget();
            for (Path path : new Path[] {dir, new Path(dir, "sub"), new Path(dir, "sub/below")}) {
                keep(fs, path);
            }
            Path made = new Path(dir, "made");
            fs.exists(new Path(dir, "new"));
            assertFalse(other.exists(made));
            assertEquals(told(plain), told(fs), "before " + change.getKey());
            change.getValue().make(fs);
            assertEquals(told(plain), told(fs), change.getKey());
            assertEquals(told(plain), told(other), change.getKey());
            if (!change.getKey().equals("createFile")) {
                Workers.quiesce();
                Mutations.forget();
                assertEquals(told(plain), told(bounded()), change.getKey() + ", by another process");
            }
        }
        fs.close();
        other.close();
    }

    /** As if it had never been looked at, too. */
    private void makeAgain() throws IOException {
        for (java.nio.file.Path domain : Regions.list(root.resolve("v1"))) {
            if (domain.toString().endsWith("listings")) {
                Trees.delete(domain);
            }
        }
        if (plain.exists(new Path(dir, "sub"))) {
            plain.disallowSnapshot(new Path(dir, "sub"));
        }
        plain.delete(dir, true);
        MiniHdfs.write(plain, dir + "/file", new byte[10]);
        plain.mkdirs(new Path(dir, "sub/below"));
    }

    /** Until it is closed HDFS tells no length; what was asked for meanwhile does not count afterwards. */
    @Test
    void closingAStreamIsTheEndOfAChange() throws Exception {
        HybridFileSystem fs = bounded();
        Path path = new Path(dir, "written");
        FSDataOutputStream out = fs.create(path);
        assertTrue(out instanceof HdfsDataOutputStream);
        out.write(new byte[100]);
        assertEquals(100, out.getPos());
        ((HdfsDataOutputStream) out).hsync();
        keep(fs, dir);
        long shown = plain.getFileStatus(path).getLen();
        NameNodeCalls.assertMakes(NONE, () -> assertEquals(shown, fs.getFileStatus(path).getLen()));
        out.write(new byte[50]);
        out.close();
        assertEquals(150, fs.getFileStatus(path).getLen());
        try (FSDataOutputStream more = fs.append(path)) {
            assertEquals(150, more.getPos());
            more.write(new byte[11]);
            assertEquals(161, more.getPos());
            keep(fs, dir);
        }
        assertEquals(161, fs.getFileStatus(path).getLen());
        try (FSDataOutputStream secret = fs.create(new Path(MiniHdfs.ENCRYPTED, "written"))) {
            secret.write(new byte[7]);
        }
        assertEquals(7, MiniHdfs.read(plain, MiniHdfs.ENCRYPTED + "/written").length);
        fs.close();
    }

    @Test
    void anAnswerIsExplained() throws Exception {
        HybridFileSystem fs = bounded();
        String uri = fs.getUri() + dir.toString();
        assertEquals("null", Explain.listing(uri));
        fs.listings().answered(Listings.Mode.BOUNDED, dir.toString(), Explain.Source.ENTRY,
            System.nanoTime() - 2_500_000_000L, 0, 3);
        String told = Explain.listing(uri + "/");
        assertTrue(told.matches("\\{\"mode\": \"bounded\", \"source\": \"entry\", \"age\": 2\\.\\d+, \"rpcs\": 0, "
            + "\"rpcs_plain\": 3, \"when\": \\d+\\.\\d+}"), told);
        assertEquals(told, Explain.listing(uri.replace("hdfs:", "hybridfs:")));
        String message =
            assertThrows(IllegalArgumentException.class, () -> Explain.listing("/no/authority")).getMessage();
        assertTrue(message.contains("/no/authority") && message.contains("hdfs://namenode:8020"), message);
        fs.close();
    }
}

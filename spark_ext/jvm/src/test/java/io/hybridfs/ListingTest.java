package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.function.UnaryOperator;
import org.apache.hadoop.fs.BlockLocation;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.AclEntry;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.apache.hadoop.hdfs.protocol.HdfsLocatedFileStatus;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Listings as they are held: what goes in comes out, and when it may be believed. */
class ListingTest {
    private static final long NOW = 1_700_000_000_000L;

    /** All that a status tells but its locations. */
    static String told(HdfsFileStatus status) {
        return String.join("|", status.getLocalName(), "" + status.isDirectory(), "" + status.isFile(),
            "" + status.getLen(), "" + status.getReplication(), "" + status.getBlockSize(),
            "" + status.getModificationTime(), "" + status.getAccessTime(), status.getOwner(), status.getGroup(),
            status.getPermission() + "", "" + status.getPermission().toExtendedShort(), "" + status.hasAcl(),
            "" + status.isEncrypted(), "" + status.isErasureCoded(), "" + status.isSnapshotEnabled(),
            "" + status.getFileId(), "" + status.getChildrenNum(), "" + status.getStoragePolicy(),
            "" + status.getErasureCodingPolicy(), "" + status.getFileEncryptionInfo());
    }

    private static String blocks(HdfsFileStatus status, Path parent) throws Exception {
        LocatedFileStatus located =
            ((HdfsLocatedFileStatus) status).makeQualifiedLocated(MiniHdfs.cluster().getURI(), parent);
        List<String> blocks = new ArrayList<>();
        for (BlockLocation block : located.getBlockLocations()) {
            blocks.add(block.getOffset() + "+" + block.getLength() + (block.isCorrupt() ? " corrupt" : ""));
        }
        return located.getPath() + " " + blocks;
    }

    private static void makeAll(DistributedFileSystem hdfs, Path dir) throws Exception {
        MiniHdfs.write(hdfs, dir + "/empty", new byte[0]);
        MiniHdfs.write(hdfs, dir + "/one byte", new byte[1]);
        MiniHdfs.write(hdfs, dir + "/exact", new byte[2 * MiniHdfs.HDFS_BLOCK]);
        MiniHdfs.write(hdfs, dir + "/größe=数据", new byte[3 * MiniHdfs.HDFS_BLOCK + 5]);
        hdfs.setPermission(new Path(dir, "one byte"), new FsPermission((short) 0640));
        hdfs.setOwner(new Path(dir, "exact"), "alice", "staff");
        for (String sub : new String[] {"plain", "acl", "coded", "snapshots", "sticky"}) {
            hdfs.mkdirs(new Path(dir, sub + "/child"));
        }
        hdfs.setAcl(new Path(dir, "acl"), AclEntry.parseAclSpec("user::rwx,group::r-x,other::---,user:bob:r-x", true));
        hdfs.enableErasureCodingPolicy("XOR-2-1-1024k");
        hdfs.setErasureCodingPolicy(new Path(dir, "coded"), "XOR-2-1-1024k");
        hdfs.allowSnapshot(new Path(dir, "snapshots"));
        hdfs.setPermission(new Path(dir, "sticky"), new FsPermission((short) 01777));
        hdfs.setStoragePolicy(new Path(dir, "plain"), "COLD");
    }

    /** Through memory, and through an entry. */
    @Test
    void whateverTheNameNodeToldComesOutAgain() throws Exception {
        DistributedFileSystem hdfs = MiniHdfs.cluster().getFileSystem();
        Path dir = new Path("/listed");
        makeAll(hdfs, dir);
        HdfsFileStatus[] real = hdfs.getClient().listPaths("/listed", HdfsFileStatus.EMPTY_NAME, true)
            .getPartialListing();
        assertEquals(9, real.length);
        Listing held = Listing.of("/listed", hdfs.getClient().getFileInfo("/listed"), Arrays.asList(real), 1, 2, 1);
        assertTrue(held.isKeepable());
        ListingFormat format = new ListingFormat("hdfs-x", "hdfs://x/listed");
        byte[] boot = new byte[16];
        Listing kept = format.parse(GoldenListings.file(format, held, boot), "/listed", boot);
        for (Listing listing : new Listing[] {held, kept}) {
            assertEquals(9, listing.size());
            assertEquals(told(hdfs.getClient().getFileInfo("/listed")), told(listing.own()));
            for (int i = 0; i < real.length; i++) {
                HdfsFileStatus plain = listing.statuses()[i];
                HdfsFileStatus located = listing.statuses(true)[i];
                assertEquals(told(real[i]), told(plain));
                assertEquals(told(real[i]), told(located));
                assertEquals(told(real[i]), told(listing.child(real[i].getLocalName())));
                assertEquals(blocks(real[i], dir), blocks(located, dir));
                Path path = new Path(dir, real[i].getLocalName());
                assertEquals(told(hdfs.getClient().getFileInfo(path.toString())),
                    told(listing.itself(real[i].getLocalName())));
                assertSame(hdfs.getClient().getFileInfo(path.toString()).getClass(), plain.getClass());
            }
            assertEquals(Arrays.asList("acl", "coded", "plain", "snapshots", "sticky"), listing.directories());
            assertTrue(listing.hasDirectories());
            assertNull(listing.child("exac"));
        }
        for (BlockLocation block : ((HdfsLocatedFileStatus) kept.statuses(true)[3]).makeQualifiedLocated(hdfs.getUri(),
            dir).getBlockLocations()) {
            assertEquals(0, block.getHosts().length + block.getNames().length + block.getTopologyPaths().length
                + block.getCachedHosts().length);
        }
        hdfs.delete(dir, true);
    }

    /** A zone's records do not tell its key: they are returned as they came, and never kept. */
    @Test
    void whatNoRecordTellsIsHeldBeside() throws Exception {
        DistributedFileSystem hdfs = MiniHdfs.cluster().getFileSystem();
        MiniHdfs.write(hdfs, MiniHdfs.ENCRYPTED + "/listed/file", new byte[10]);
        HdfsFileStatus[] real = hdfs.getClient().listPaths(MiniHdfs.ENCRYPTED + "/listed", HdfsFileStatus.EMPTY_NAME)
            .getPartialListing();
        Listing listing = Listing.of("/x", null, Arrays.asList(real), 1, 2, 1);
        assertSame(real[0], listing.statuses()[0]);
        assertSame(real[0], listing.child("file"));
        assertEquals(Collections.singletonList("file"), listing.names());
        assertFalse(listing.isKeepable());
        hdfs.delete(new Path(MiniHdfs.ENCRYPTED + "/listed"), true);
    }

    @Test
    void theListingOfAFileIsNone() throws Exception {
        DistributedFileSystem hdfs = MiniHdfs.cluster().getFileSystem();
        MiniHdfs.write(hdfs, "/listed-file", new byte[10]);
        HdfsFileStatus[] real =
            hdfs.getClient().listPaths("/listed-file", HdfsFileStatus.EMPTY_NAME).getPartialListing();
        assertFalse(Listing.of("/listed-file", null, Arrays.asList(real), 1, 2, 1).isKeepable());
    }

    private static HdfsFileStatus.Builder status(String name) {
        return new HdfsFileStatus.Builder().path(name.getBytes(StandardCharsets.UTF_8)).fileId(17).isdir(true)
            .mtime(NOW - 100_000).owner("alice").group("staff").perm(new FsPermission((short) 0755)).children(2);
    }

    private static Listing of(HdfsFileStatus own) {
        return Listing.of("/d", own, Collections.emptyList(), 1, NOW, 1);
    }

    private static void same(boolean expected, UnaryOperator<HdfsFileStatus.Builder> change) {
        assertEquals(expected, of(status("").build()).sameDirectory(change.apply(status("d")).build()));
    }

    @Test
    void theSameDirectoryIsToldByAllThatAListingOfTheParentShows() {
        same(true, now -> now);
        same(true, now -> now.atime(5).children(9).storagePolicy((byte) 2));
        same(true, now -> now.fileId(0));
        same(false, now -> now.fileId(18));
        same(false, now -> now.mtime(NOW - 100_001));
        same(false, now -> now.perm(new FsPermission((short) 0750)));
        same(false, now -> now.owner("bob"));
        same(false, now -> now.group("all"));
        same(false, now -> now.isdir(false));
        for (HdfsFileStatus.Flags flag : HdfsFileStatus.Flags.values()) {
            same(false, now -> now.flags(EnumSet.of(flag)));
        }
        assertFalse(of(null).sameDirectory(status("d").build()));
    }

    /** By when the directory was changed, relative to when it was asked for, and by when it is looked at. */
    @ParameterizedTest
    @CsvSource({"-60000, 0, true", "-59999, 0, false", "0, 0, false", "1, 0, false", "-60000, 100000, true",
        "-60000, -60001, false"})
    void aDirectoryThatWasChangedLatelyIsNotSettled(long modified, long now, boolean settled) {
        assertEquals(settled, of(status("").mtime(NOW + modified).build()).isSettled(NOW + now));
        assertFalse(of(null).isSettled(NOW));
    }

    @Test
    void whatIsNotWhollyKnownIsNotKept() {
        HdfsFileStatus whole = status("a").build();
        assertTrue(Listing.of("/d", null, Collections.singletonList(whole), 1, 2, 1).isKeepable());
        for (HdfsFileStatus child : Arrays.asList(status("a").fileId(0).build(), status("a").children(-1).build())) {
            assertFalse(Listing.of("/d", null, Collections.singletonList(child), 1, 2, 1).isKeepable());
            assertFalse(Listing.of("/d", child, Collections.singletonList(whole), 1, 2, 1).isKeepable());
        }
        assertTrue(Listing.absent("/d", 1, 2).isKeepable());
    }

    @Test
    void manyChildrenAreFoundByNameAndTakeLittleRoom() {
        List<HdfsFileStatus> children = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            children.add(status(String.format("part-%05d-0123456789abcdef0123456789abcdef.snappy.parquet", i))
                .fileId(i + 1).build());
        }
        Listing listing = Listing.of("/d", null, children, 1, 2, 10);
        assertTrue(listing.bytes() < 10_000 * 120, "takes " + listing.bytes());
        for (HdfsFileStatus child : children) {
            assertEquals(child.getFileId(), listing.child(child.getLocalName()).getFileId());
            assertNull(listing.child(child.getLocalName() + "x"));
        }
        assertTrue(listing.bytes() < 10_000 * 140, "takes " + listing.bytes());
    }

    private static long used() throws InterruptedException {
        for (int i = 0; i < 3; i++) {
            System.gc();
            Thread.sleep(50);
        }
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    /** Files as Spark names them, a hundred in each directory: what they take, and what they say that they take. */
    @Test
    void aMillionFilesFitIntoLittleHeap() throws Exception {
        int directories = 10_000;
        int files = 100;
        long before = used();
        List<Listing> held = new ArrayList<>(directories);
        long told = 0;
        for (int d = 0; d < directories; d++) {
            List<HdfsFileStatus> children = new ArrayList<>();
            for (int f = 0; f < files; f++) {
                String name = String.format("part-%05d-8a9d3c52-7a8e-4f0e-9d0b-%012d.c000.snappy.parquet", f, d);
                children.add(new HdfsFileStatus.Builder().path(name.getBytes(StandardCharsets.UTF_8)).length(1 << 20)
                    .replication(3).blocksize(128 << 20).mtime(NOW).atime(NOW).owner("alice").group("staff")
                    .perm(new FsPermission((short) 0644)).fileId(16_000L + d * files + f).build());
            }
            held.add(Listing.of("/warehouse/table/p=" + d, null, children, 1, 2, 1));
            told += held.get(d).bytes();
        }
        long really = used() - before;
        System.out.println("heap of 1,000,000 files held for a scan: " + really + " bytes, accounted for: " + told);
        assertTrue(really <= 300 << 20, "heap: " + really);
        assertTrue(told >= really * 0.8 && told <= really * 1.25, told + " accounted for, but it takes " + really);
        assertEquals(directories, held.size());
    }
}

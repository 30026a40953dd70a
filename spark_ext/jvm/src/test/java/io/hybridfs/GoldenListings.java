package io.hybridfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.UUID;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.apache.hadoop.hdfs.protocol.SystemErasureCodingPolicies;
import org.apache.hadoop.shaded.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.hadoop.shaded.com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * Makes the golden listings of the jar (FORMAT 10): {@code jvm-<name>.bin}, an entry as it is on disk, and
 * {@code jvm-<name>.json}, where it stands and what it says. Both languages' tests read them, and Python's beside them.
 */
final class GoldenListings {
    private static final String BOOT = "01234567-89ab-4cde-8f01-23456789abcd";
    private static final String DOMAIN = "hdfs-namenode.example:8020@alice+listings";
    private static final String AUTHORITY = "hdfs://namenode.example:8020";
    private static final ObjectMapper JSON = new ObjectMapper();

    private GoldenListings() {
    }

    /** {@code <directory>}. */
    public static void main(String[] args) throws IOException {
        make(Paths.get(args[0]));
    }

    static void make(Path directory) throws IOException {
        Files.createDirectories(directory);
        HdfsFileStatus own = status("", 16386, true).mtime(1_700_000_000_123L).children(4).build();
        write(directory, "partition", AUTHORITY + "/warehouse/t/day=2024-01-01 00%3A00", Listing.of("/", own,
            Arrays.asList(status("_SUCCESS", 16390, false).build(),
                status("part-00000-größe.snappy.parquet", 16391, false).length(1L << 40).blocksize(256 << 20)
                    .replication(3).build(),
                status("sub", 16392, true).children(7).perm(new FsPermission((short) 01777)).owner("bob").build(),
                status("数据", 16393, true).children(0).flags(EnumSet.of(HdfsFileStatus.Flags.HAS_ACL,
                    HdfsFileStatus.Flags.SNAPSHOT_ENABLED)).build()),
            123_456_789_012L, 1_700_000_100_000L, 2));
        write(directory, "coded", AUTHORITY + "/cold", Listing.of("/", null,
            Arrays.asList(coded("cells", "RS-6-3-1024k"), coded("mirrors", "XOR-2-1-1024k")), 1, 2, 1));
        write(directory, "root", AUTHORITY + "/", Listing.of("/", null,
            Collections.singletonList(status("tmp", 16386, true).build()), Long.MAX_VALUE, Long.MAX_VALUE, 1));
        write(directory, "empty", AUTHORITY + "/empty", Listing.of("/", own, Collections.emptyList(), 0, 0, 1));
        write(directory, "absent", AUTHORITY + "/no/such", Listing.absent("/", 5_000_000_000L, 1_700_000_000_000L));
        // More than one chunk.
        String rest = String.join("", Collections.nCopies(50, "-long"));
        List<HdfsFileStatus> many = new ArrayList<>();
        for (int i = 0; i < 220; i++) {
            many.add(status(String.format("part=%05d%s", i, rest), 20_000 + i, i % 3 == 0).owner("u" + i % 99).build());
        }
        write(directory, "many", AUTHORITY + "/many", Listing.of("/", own, many, 7, 8, 3));
    }

    private static HdfsFileStatus.Builder status(String name, long fileId, boolean directory) {
        return new HdfsFileStatus.Builder().path(name.getBytes(StandardCharsets.UTF_8)).fileId(fileId).isdir(directory)
            .mtime(1_700_000_000_001L).atime(directory ? 0 : 1_700_000_000_002L).owner("alice").group("staff")
            .perm(new FsPermission((short) (directory ? 0755 : 0644))).storagePolicy((byte) 7)
            .replication(directory ? 0 : 3).blocksize(directory ? 0 : 128 << 20);
    }

    private static HdfsFileStatus coded(String name, String policy) {
        return status(name, 16400, false).flags(EnumSet.of(HdfsFileStatus.Flags.HAS_EC)).replication(1)
            .length(123_456_789).ecPolicy(SystemErasureCodingPolicies.getByName(policy)).build();
    }

    static byte[] boot(String uuid) {
        UUID id = UUID.fromString(uuid);
        return ByteBuffer.allocate(16).putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits())
            .array();
    }

    static byte[] file(ListingFormat format, Listing listing, byte[] boot) {
        byte[] data = ListingFormat.data(listing, boot);
        byte[] trailer = format.trailer(listing, data);
        byte[] file = Arrays.copyOf(data, data.length + trailer.length);
        System.arraycopy(trailer, 0, file, data.length, trailer.length);
        return file;
    }

    private static void write(Path directory, String name, String uri, Listing listing) throws IOException {
        ListingFormat format = new ListingFormat(CanonicalUri.domain(DOMAIN), uri);
        Files.write(directory.resolve("jvm-" + name + ".bin"), file(format, listing, boot(BOOT)));
        ObjectNode json = JSON.createObjectNode();
        json.put("domain_raw", DOMAIN).put("domain", CanonicalUri.domain(DOMAIN)).put("uri", uri)
            .put("path", format.file).put("number", format.number)
            .put("validator", listing.own() == null ? 0 : listing.own().getFileId()).put("boot", BOOT);
        describe(json, listing);
        String text = listing.size() > 10 ? JSON.writeValueAsString(json)
            : JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json);
        Files.write(directory.resolve("jvm-" + name + ".json"), (text + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** What a listing says. */
    static void describe(ObjectNode json, Listing listing) {
        json.put("complete", listing.isComplete()).put("absent", listing.isAbsent())
            .put("asked_nanos", listing.askedNanos()).put("asked_millis", listing.askedMillis())
            .put("pages", listing.pages());
        if (listing.own() == null) {
            json.putNull("own");
        } else {
            record(json.putObject("own"), listing.own());
        }
        json.putArray("children");
        for (HdfsFileStatus child : listing.statuses()) {
            record(json.withArray("children").addObject(), child);
        }
    }

    private static void record(ObjectNode json, HdfsFileStatus status) {
        int flags = (status.hasAcl() ? 1 : 0) | (status.isEncrypted() ? 2 : 0) | (status.isErasureCoded() ? 4 : 0)
            | (status.isSnapshotEnabled() ? 8 : 0);
        json.put("name", status.getLocalName()).put("directory", status.isDirectory()).put("flags", flags)
            .put("permission", status.getPermission().toShort()).put("file_id", status.getFileId())
            .put("length", status.getLen()).put("modified", status.getModificationTime())
            .put("accessed", status.getAccessTime()).put("block_size", status.getBlockSize())
            .put("replication", status.getReplication()).put("storage_policy", status.getStoragePolicy())
            .put("children", status.getChildrenNum() & 0xffff_ffffL).put("owner", status.getOwner())
            .put("group", status.getGroup()).put("erasure_coding", status.getErasureCodingPolicy() == null ? null
                : status.getErasureCodingPolicy().getName());
    }
}

package io.hybridfs;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.shaded.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.hadoop.shaded.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.hadoop.shaded.com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * Makes the golden root of the jar: {@code root}, whose blocks hold {@link #bytes}, and {@code vectors.json}, what each
 * block must be called and hold (FORMAT 2, 3, 4 and 6). Both languages' tests read it, and Python's beside it.
 */
final class GoldenMaker {
    private static final int BLOCK_SIZE = 64 << 10;
    private static final String CACHE_ID = "00000000-0000-4000-8000-000000000002";
    private static final ObjectMapper JSON = new ObjectMapper();

    private GoldenMaker() {
    }

    /** {@code <directory of the golden root, which must not exist>}. */
    public static void main(String[] args) throws IOException {
        make(Paths.get(args[0]));
    }

    /** Byte i of every golden file is (31 i + 7) mod 256. */
    static byte[] bytes(long offset, int size) {
        byte[] data = new byte[size];
        for (int i = 0; i < size; i++) {
            data[i] = (byte) ((offset + i) * 31 + 7);
        }
        return data;
    }

    static void make(Path directory) throws IOException {
        Path root = directory.resolve("root");
        Files.createDirectories(directory);
        Modes.ofRoot(root);
        Files.write(root.resolve("cache-id"), (CACHE_ID + "\n").getBytes(StandardCharsets.US_ASCII));
        Root.open(root, BLOCK_SIZE);
        Tier tier = new Tier(root, Long.MAX_VALUE, 0, 0, false, Modes.ofRoot(root));
        ArrayNode vectors = JSON.createArrayNode();
        file(tier, vectors, "hdfs-namenode.example:8020", "hdfs://namenode.example:8020/one", "1700000000000", 1, 0);
        file(tier, vectors, "hdfs-namenode.example:9000", "hdfs://namenode.example:9000/t/part-0.parquet",
            "1700000000001", 65535, 16386);
        file(tier, vectors, "hdfs-prod", "hdfs://prod/größe/数据/файл.orc", "1700000000002", 65536, 1L << 40);
        file(tier, vectors, "hdfs-prod", "hdfs://prod/day=2024-01-01 00%3A00/x;y", "1700000000003", 65537, 16388);
        file(tier, vectors, "hdfs-" + String.join("", Collections.nCopies(12, "long-name.")) + ":8020",
            "hdfs://long-name/t", "1", 200_000, 0);
        Files.write(directory.resolve("vectors.json"),
            (JSON.writerWithDefaultPrettyPrinter().writeValueAsString(vectors) + "\n").getBytes(StandardCharsets.UTF_8));
        // Empty, or of no account.
        Trees.delete(tier.temporary());
        for (String file : new String[] {"lock", "published", "upkeep", "usage"}) {
            Files.deleteIfExists(root.resolve(file));
        }
    }

    private static void file(Tier tier, ArrayNode vectors, String rawDomain, String uri, String token, long length,
                             long validator) throws IOException {
        Layout layout = new Layout(CanonicalUri.domain(rawDomain), uri, token, length, BLOCK_SIZE);
        for (long block = 0; block * BLOCK_SIZE < length; block++) {
            int size = layout.dataLength(block);
            byte[] data = bytes(block * BLOCK_SIZE, size);
            if (Tiers.publish(tier, layout, validator, block, data) != null) {
                throw new IOException("not published: " + layout.path(block));
            }
            ObjectNode vector = vectors.addObject();
            vector.put("domain_raw", rawDomain).put("domain", CanonicalUri.domain(rawDomain)).put("uri", uri)
                .put("token", token).put("length", length).put("validator", validator).put("block", block)
                .put("block_size", BLOCK_SIZE).put("name", layout.name(block)).put("path", layout.path(block))
                .put("data_length", size).put("flight_offset", layout.lockOffset(block))
                .put("trailer_xxh64", trailerSum(BlockFormat.trailer(data, 0, size, layout, validator, block)));
        }
    }

    /** The checksum that stands 16 bytes before a trailer's end, as a number in hex. */
    static String trailerSum(byte[] trailer) {
        StringBuilder hex = new StringBuilder();
        for (int i = trailer.length - 9; i >= trailer.length - 16; i--) {
            hex.append(String.format("%02x", trailer[i]));
        }
        return hex.toString();
    }

    /** The relative names of all files below a directory. */
    static List<String> files(Path directory) throws IOException {
        List<String> names = new ArrayList<>();
        try (Stream<Path> all = Files.walk(directory)) {
            all.filter(Files::isRegularFile).map(directory::relativize).map(Path::toString).sorted()
                .forEach(names::add);
        }
        return names;
    }
}

package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.hadoop.shaded.com.fasterxml.jackson.databind.JsonNode;
import org.apache.hadoop.shaded.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.hadoop.shaded.com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The format to the byte: the committed golden roots of both languages. */
class GoldenTest {
    private static final Path GOLDEN = Paths.get(System.getProperty("golden.dir"));
    private static final Path LISTINGS = GOLDEN.resolve("listings");

    @Test
    void theGeneratorMakesTheCommittedRoot(@TempDir Path temp) throws Exception {
        Path made = temp.resolve("made");
        GoldenMaker.make(made);
        Path committed = GOLDEN.resolve("java");
        assertEquals(GoldenMaker.files(committed), GoldenMaker.files(made));
        for (String file : GoldenMaker.files(made)) {
            assertArrayEquals(Files.readAllBytes(committed.resolve(file)), Files.readAllBytes(made.resolve(file)), file);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"java", "python"})
    void aGoldenRootIsReadAndWouldBeWrittenTheSame(String maker, @TempDir Path temp) throws Exception {
        Path root = temp.resolve("root");
        copy(GOLDEN.resolve(maker).resolve("root"), root);
        JsonNode vectors = new ObjectMapper().readTree(GOLDEN.resolve(maker).resolve("vectors.json").toFile());
        assertTrue(vectors.size() >= 9, "only " + vectors.size() + " vectors");
        Tier tier = new Tier(root, Long.MAX_VALUE, 0, 0, false, Modes.ofRoot(root));
        for (JsonNode vector : vectors) {
            check(root, tier, vector);
        }
        assertEquals(vectors.size(), Trees.blocks(root).size());
    }

    @Test
    void theGeneratorMakesTheCommittedListings(@TempDir Path temp) throws Exception {
        GoldenListings.make(temp);
        List<String> made = GoldenMaker.files(temp);
        assertEquals(committedListings("jvm-.*"), made);
        for (String file : made) {
            assertArrayEquals(Files.readAllBytes(LISTINGS.resolve(file)), Files.readAllBytes(temp.resolve(file)), file);
        }
    }

    private static List<String> committedListings(String names) throws Exception {
        return GoldenMaker.files(LISTINGS).stream().filter(name -> name.matches(names)).collect(Collectors.toList());
    }

    /** Whose policies and encryption this reader does not know, it does not use. */
    @ParameterizedTest
    @ValueSource(strings = {"jvm", "python"})
    void aGoldenListingIsRead(String maker) throws Exception {
        List<String> files = committedListings(maker + "-.*\\.bin");
        assertTrue(files.size() >= 4, "only " + files);
        for (String file : files) {
            JsonNode told = new ObjectMapper().readTree(
                LISTINGS.resolve(file.replace(".bin", ".json")).toFile());
            assertEquals(told.get("domain").asText(), CanonicalUri.domain(told.get("domain_raw").asText()));
            ListingFormat format = new ListingFormat(told.get("domain").asText(), told.get("uri").asText());
            assertEquals(told.get("path").asText(), format.file);
            assertEquals(told.get("number").asLong(), format.number);
            byte[] bytes = Files.readAllBytes(LISTINGS.resolve(file));
            Listing listing = format.parse(bytes, "/", GoldenListings.boot(told.get("boot").asText()));
            ObjectNode read = new ObjectMapper().createObjectNode();
            GoldenListings.describe(read, listing);
            read.fields().forEachRemaining(
                field -> assertEquals(told.get(field.getKey()).toString(), field.getValue().toString(), file));
            assertArrayEquals(bytes, GoldenListings.file(format, listing,
                GoldenListings.boot(told.get("boot").asText())), file);
        }
    }

    private static void check(Path root, Tier tier, JsonNode vector) throws Exception {
        int blockSize = vector.get("block_size").asInt();
        assertEquals(blockSize, Root.open(root, 0).blockSize);
        assertEquals(vector.get("domain").asText(), CanonicalUri.domain(vector.get("domain_raw").asText()));
        Layout layout = new Layout(vector.get("domain").asText(), vector.get("uri").asText(),
            vector.get("token").asText(), vector.get("length").asLong(), blockSize);
        long block = vector.get("block").asLong();
        long validator = vector.get("validator").asLong();
        int size = layout.dataLength(block);
        assertEquals(vector.get("name").asText(), layout.name(block));
        assertEquals(vector.get("path").asText(), layout.path(block));
        assertEquals(vector.get("data_length").asInt(), size);
        assertEquals(vector.get("flight_offset").asLong(), layout.lockOffset(block));
        byte[] expected = GoldenMaker.bytes(block * blockSize, size);
        try (CachedBlock found = tier.find(layout, validator, block, new Reasons())) {
            assertNotNull(found, layout.path(block));
            byte[] data = new byte[size];
            found.read(0, ByteBuffer.wrap(data));
            assertArrayEquals(expected, data);
        }
        byte[] file = Files.readAllBytes(root.resolve(layout.path(block)));
        byte[] trailer = BlockFormat.trailer(expected, 0, size, layout, validator, block);
        assertArrayEquals(trailer, Arrays.copyOfRange(file, size, file.length));
        assertEquals(vector.get("trailer_xxh64").asText(), GoldenMaker.trailerSum(trailer));
    }

    /** Into a root of mode 0700: a checkout has the modes of its umask. */
    private static void copy(Path from, Path to) throws Exception {
        Modes.ofRoot(to);
        for (String file : GoldenMaker.files(from)) {
            Files.createDirectories(to.resolve(file).getParent());
            Files.copy(from.resolve(file), to.resolve(file));
        }
    }
}

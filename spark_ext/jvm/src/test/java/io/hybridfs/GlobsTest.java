package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.shaded.com.fasterxml.jackson.databind.JsonNode;
import org.apache.hadoop.shaded.com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

/** Patterns of paths, by the vectors that Python reads, too. */
class GlobsTest {
    private static final Path GOLDEN = Paths.get(System.getProperty("golden.dir"));

    private static JsonNode vectors(String file) throws Exception {
        return new ObjectMapper().readTree(GOLDEN.resolve(file).toFile());
    }

    @Test
    void whatAPatternMatches() throws Exception {
        JsonNode vectors = vectors("globs.json");
        assertTrue(vectors.size() > 100, "only " + vectors.size());
        for (JsonNode vector : vectors) {
            Globs glob = Globs.parse("x", vector.get(0).asText());
            assertEquals(vector.get(2).asBoolean(), glob.match(vector.get(1).asText()), vector.toString());
        }
    }

    @Test
    void howAListIsRead() throws Exception {
        for (JsonNode vector : vectors("glob_lists.json")) {
            String text = vector.get(0).asText();
            if (vector.get(1).isNull()) {
                String message = assertThrows(IllegalArgumentException.class, () -> Globs.parse("x.y", text), text)
                    .getMessage();
                assertTrue(message.contains("x.y = '" + text + "'"), message);
            } else {
                List<String> expected = new ArrayList<>();
                vector.get(1).forEach(pattern -> expected.add(pattern.asText()));
                assertEquals(expected, Globs.parse("x", text).texts(), text);
            }
        }
    }
}

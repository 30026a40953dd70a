package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Paths;
import org.apache.hadoop.shaded.com.fasterxml.jackson.databind.JsonNode;
import org.apache.hadoop.shaded.com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

/** Validators as both languages write and compare them (FORMAT 4). */
class FileVersionTest {
    private static JsonNode golden(String what) throws IOException {
        JsonNode vectors = new ObjectMapper().readTree(Paths.get(System.getProperty("golden.dir"), "validators.json").toFile());
        assertFalse(vectors.get(what).isEmpty());
        return vectors.get(what);
    }

    @Test
    void validatorsAreTheGoldenOnes() throws IOException {
        for (JsonNode vector : golden("validators")) {
            long expected = Long.parseUnsignedLong(vector.get(2).asText());
            assertEquals(expected, FileVersion.validator(vector.get(0).asLong(), vector.get(1).asText()),
                vector.toString());
        }
    }

    @Test
    void fileIdsDecideAndOwnersWhereOneIsUnknown() throws IOException {
        for (JsonNode pair : golden("agree")) {
            long one = Long.parseUnsignedLong(pair.get(0).asText());
            long other = Long.parseUnsignedLong(pair.get(1).asText());
            assertEquals(pair.get(2).asBoolean(), FileVersion.agree(one, other), pair.toString());
            assertEquals(pair.get(2).asBoolean(), FileVersion.agree(other, one), pair.toString());
        }
    }
}

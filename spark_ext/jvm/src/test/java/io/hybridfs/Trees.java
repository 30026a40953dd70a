package io.hybridfs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Directories of tests. */
final class Trees {
    private Trees() {
    }

    /** An empty directory of that name, below the build's own: the same for every run, so that none is left over. */
    static Path fresh(String name) {
        Path dir = Paths.get(System.getProperty("test.build.data"), name).toAbsolutePath();
        try {
            if (Files.exists(dir)) {
                delete(dir);
            }
            return Files.createDirectories(dir);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void delete(Path dir) {
        try (Stream<Path> all = Files.walk(dir)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).collect(Collectors.toList())) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The block files of a tier. */
    static List<Path> blocks(Path tier) throws IOException {
        try (Stream<Path> all = Files.walk(tier.resolve("v1"))) {
            return all.filter(p -> Files.isRegularFile(p) && tier.relativize(p).getNameCount() == 5
                    && !p.getFileName().toString().startsWith("pin."))
                .sorted().collect(Collectors.toList());
        }
    }
}

package io.hybridfs;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;

/** Counts what a tier holds, older trees included (FORMAT 7). */
final class Counting {
    private final Path tier;
    private long bytes;
    private long blocks;

    private Counting(Path tier) {
        this.tier = tier;
    }

    static Usage of(Path tier) throws IOException {
        Counting counting = new Counting(tier);
        counting.count();
        return new Usage(counting.bytes, counting.blocks, 0);
    }

    private void count() throws IOException {
        new Regions(tier).visit((region, names, pinned) -> {
            for (String name : names) {
                BasicFileAttributes block = look(region.resolve(name), "count.look");
                if (block != null) {
                    bytes += Accounting.onDisk(block.size());
                    blocks++;
                }
            }
            return true;
        });
        for (Path tree : OldTrees.of(tier)) {
            Files.walkFileTree(tree, new SimpleFileVisitor<Path>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    bytes += Accounting.onDisk(attributes.size());
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFileFailed(Path file, IOException gone) {
                    return FileVisitResult.CONTINUE;
                }
            });
        }
    }

    /** One stat; null when it has gone or is no file. */
    static BasicFileAttributes look(Path block, String step) throws IOException {
        Steps.at(step);
        try {
            BasicFileAttributes found =
                Files.readAttributes(block, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return found.isRegularFile() ? found : null;
        } catch (NoSuchFileException gone) {
            return null;
        }
    }
}

package io.hybridfs;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;

/** What older versions of the format left behind (FORMAT 9). */
final class OldTrees {
    private static final int VERSION = 1;

    private OldTrees() {
    }

    static List<Path> of(Path tier) throws IOException {
        List<Path> trees = new ArrayList<>();
        // The tier itself may be a link: whoever configures it makes it.
        for (Path entry : Regions.list(tier.toRealPath())) {
            String name = entry.getFileName().toString();
            if (name.matches("v\\d{1,9}") && Integer.parseInt(name.substring(1)) < VERSION
                && Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                trees.add(entry);
            }
        }
        return trees;
    }

    /** Removes those in which nothing was modified or read since; true if there were any. */
    static boolean removeUntouched(Path tier, FileTime since) throws IOException {
        boolean removed = false;
        for (Path tree : of(tier)) {
            if (!touchedSince(tree, since)) {
                remove(tree);
                removed = true;
            }
        }
        return removed;
    }

    /** Bytes on disk. */
    static long size(Path tree) throws IOException {
        long[] bytes = {0};
        Files.walkFileTree(tree, new Visitor() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes is) {
                bytes[0] += Accounting.onDisk(is.size());
                return FileVisitResult.CONTINUE;
            }
        });
        return bytes[0];
    }

    /** The access time of a directory tells nothing: looking for what to remove moves it. */
    private static boolean touchedSince(Path tree, FileTime since) throws IOException {
        boolean[] touched = {false};
        Files.walkFileTree(tree, new Visitor() {
            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes is) {
                return judge(is.lastModifiedTime());
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes is) {
                FileTime read = is.lastAccessTime();
                return judge(read.compareTo(is.lastModifiedTime()) > 0 ? read : is.lastModifiedTime());
            }

            private FileVisitResult judge(FileTime last) {
                touched[0] |= last.compareTo(since) > 0;
                return touched[0] ? FileVisitResult.TERMINATE : FileVisitResult.CONTINUE;
            }
        });
        return touched[0];
    }

    private static void remove(Path tree) throws IOException {
        Files.walkFileTree(tree, new Visitor() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes is) throws IOException {
                Regions.unlink(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path dir, IOException e) {
                dir.toFile().delete();
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** Others may remove the same, or let nobody in. */
    private abstract static class Visitor extends SimpleFileVisitor<Path> {
        @Override
        public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException || e instanceof AccessDeniedException) {
                return FileVisitResult.CONTINUE;
            }
            throw e;
        }
    }
}

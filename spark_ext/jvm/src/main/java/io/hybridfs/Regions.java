package io.hybridfs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What lies in a tier, by its directories' listings: for who has the evictor's lock. */
final class Regions {
    private static final String PIN = "pin.";
    /** Of the time at which a pin expires. */
    private static final int MOST_DIGITS = 18;

    private Regions() {
    }

    /** A region's directory, and the names of the blocks in it. */
    static final class Region {
        final Path dir;
        final List<String> blocks = new ArrayList<>();
        private boolean pinned;

        private Region(Path dir) {
            this.dir = dir;
        }

        /** Whether evictors and age are kept off its blocks. */
        boolean isPinned() {
            return pinned;
        }
    }

    /** The directories {@code <domain>/<xx>} of a tier, in random order. */
    static List<Path> shards(Path tier) throws IOException {
        List<Path> shards = new ArrayList<>();
        for (Path domain : list(tier.resolve("v1"))) {
            if (!domain.endsWith("tmp")) {
                shards.addAll(list(domain));
            }
        }
        Collections.shuffle(shards);
        return shards;
    }

    /** Lists a region and looks at nothing in it. Expired pins and a directory that is empty go on the way. */
    static Region read(Path dir) throws IOException {
        Region region = new Region(dir);
        List<Path> files = list(dir);
        for (Path file : files) {
            String name = file.getFileName().toString();
            if (isNumber(name)) {
                region.blocks.add(name);
            } else if (isPin(name)) {
                region.pinned |= holds(file, name.substring(PIN.length()));
            }
        }
        if (files.isEmpty()) {
            removeIfEmpty(dir);
        }
        return region;
    }

    private static boolean holds(Path pin, String expiry) {
        boolean holds = Long.parseLong(expiry) > System.currentTimeMillis() / 1000;
        if (!holds) {
            pin.toFile().delete();
        }
        return holds;
    }

    private static boolean isPin(String name) {
        return name.startsWith(PIN) && name.length() <= PIN.length() + MOST_DIGITS
            && isNumber(name.substring(PIN.length()));
    }

    private static boolean isNumber(String name) {
        for (int i = 0; i < name.length(); i++) {
            if (name.charAt(i) < '0' || name.charAt(i) > '9') {
                return false;
            }
        }
        return !name.isEmpty();
    }

    /**
     * What is in a directory; nothing if it has gone, is none, or is of another user who lets nobody in. A link is
     * none: whoever may make one below the root must not have files removed elsewhere.
     */
    static List<Path> list(Path dir) throws IOException {
        List<Path> entries = new ArrayList<>();
        if (!Files.isDirectory(dir, LinkOption.NOFOLLOW_LINKS)) {
            return entries;
        }
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(dir)) {
            stream.forEach(entries::add);
        } catch (NoSuchFileException | AccessDeniedException none) {
            return entries;
        } catch (DirectoryIteratorException | UncheckedIOException e) {
            throw (IOException) e.getCause();
        }
        return entries;
    }

    /** One stat; null when the file has gone, is none, or may not be looked at. */
    static BasicFileAttributes look(Path file, String step) throws IOException {
        Steps.at(step);
        try {
            BasicFileAttributes found =
                Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return found.isRegularFile() ? found : null;
        } catch (NoSuchFileException | AccessDeniedException gone) {
            return null;
        }
    }

    /**
     * True when this call removed the file; another user's may have to stay. By java.io.File, which asks for no
     * attributes first; only if that fails is the reason asked for.
     */
    static boolean unlink(Path file) throws IOException {
        try {
            return file.toFile().delete() || Files.deleteIfExists(file);
        } catch (AccessDeniedException anotherUsers) {
            return false;
        }
    }

    /** Removes the directory of a region if it is empty, and the one above; a publisher makes them when it must. */
    static void removeIfEmpty(Path region) {
        if (region.toFile().delete()) {
            region.getParent().toFile().delete();
        }
    }
}

package io.hybridfs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Goes through the blocks of a tier by name, one region's directory at a time: nothing is looked at but directories, and
 * no more than one region is kept. Expired pins are unlinked on the way: for who has the evictor's lock.
 */
final class Regions {
    private static final String PIN = "pin.";

    private final Path tree;

    Regions(Path tier) {
        this.tree = tier.resolve("v1");
    }

    /** What is done with a region. */
    interface Visitor {
        /** {@code blocks}: file names. False to go no further. */
        boolean region(Path dir, List<String> blocks, boolean pinned) throws IOException;
    }

    /** Visits the regions, by {@code <domain>/<xx>} in random order; true when the visitor came through all. */
    boolean visit(Visitor visitor) throws IOException {
        List<Path> shards = new ArrayList<>();
        for (Path domain : list(tree)) {
            if (!domain.endsWith("tmp")) {
                shards.addAll(list(domain));
            }
        }
        Collections.shuffle(shards);
        for (Path shard : shards) {
            for (Path region : list(shard)) {
                if (!visit(region, visitor)) {
                    return false;
                }
            }
        }
        return true;
    }

    private static boolean visit(Path region, Visitor visitor) throws IOException {
        List<String> blocks = new ArrayList<>();
        boolean pinned = false;
        for (Path file : list(region)) {
            String name = file.getFileName().toString();
            if (isNumber(name)) {
                blocks.add(name);
            } else if (name.startsWith(PIN) && isNumber(name.substring(PIN.length()))) {
                pinned |= holds(file, name.substring(PIN.length()));
            }
        }
        return visitor.region(region, blocks, pinned);
    }

    private static boolean holds(Path pin, String expiry) {
        boolean holds = expiry.length() > 18 || Long.parseLong(expiry) * 1000 > System.currentTimeMillis();
        if (!holds) {
            Steps.at("evict.pin");
            pin.toFile().delete();
        }
        return holds;
    }

    private static boolean isNumber(String name) {
        for (int i = 0; i < name.length(); i++) {
            if (name.charAt(i) < '0' || name.charAt(i) > '9') {
                return false;
            }
        }
        return !name.isEmpty();
    }

    /** What is in a directory; nothing if it has gone or is none. */
    static List<Path> list(Path dir) throws IOException {
        List<Path> entries = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(dir)) {
            stream.forEach(entries::add);
        } catch (NoSuchFileException | NotDirectoryException none) {
            return entries;
        } catch (DirectoryIteratorException | UncheckedIOException e) {
            throw (IOException) e.getCause();
        }
        return entries;
    }

    /**
     * True when this call removed the file. By java.io.File, which asks for no attributes first; only if that fails is
     * the reason asked for.
     */
    static boolean unlink(Path file) throws IOException {
        return file.toFile().delete() || Files.deleteIfExists(file);
    }

    /** Removes the directory of a region that may be empty, and the one above; a publisher makes them when it must. */
    static void removeIfEmpty(Path region) {
        Steps.at("evict.rmdir");
        if (region.toFile().delete()) {
            Steps.at("evict.rmdir");
            region.getParent().toFile().delete();
        }
    }
}

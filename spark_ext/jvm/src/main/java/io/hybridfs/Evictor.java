package io.hybridfs;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Keeps a tier within its budget and off its volume's floor: second chance in random order (FORMAT 7). */
final class Evictor {
    private static final double LOW_WATER = 0.95;
    /** Unlinked blocks before it is judged whether unlinking frees space at all. */
    private static final int TRIAL = 8;
    private static final long ORPHAN_MILLIS = TimeUnit.HOURS.toMillis(1);

    private final Tier tier;
    private final List<Candidate> candidates = new ArrayList<>();
    private final long freeBefore;
    private long held;
    private long unlinked;
    private int unlinkedBlocks;

    private Evictor(Tier tier) {
        this.tier = tier;
        this.freeBefore = free(tier);
    }

    private static final class Candidate {
        final Path path;
        final long size;
        final boolean readSince;

        Candidate(Path path, BasicFileAttributes attributes) {
            this.path = path;
            this.size = attributes.size();
            this.readSince = attributes.lastAccessTime().compareTo(attributes.lastModifiedTime()) > 0;
        }
    }

    /** Evicts if the tier is above its budget or below its floor, and if no other process is at it. */
    static void makeRoom(Tier tier) {
        try {
            if (tier.accounting.total() <= tier.budget && missing(tier) <= 0) {
                return;
            }
            try (LockFile.Held lock = tier.lock.tryLock(LockFile.EVICTOR)) {
                if (lock != null && (tier.accounting.total() > tier.budget || missing(tier) > 0)) {
                    new Evictor(tier).run();
                }
            }
        } catch (IOException e) {
            tier.fault(e);
        }
    }

    /** Bytes that the volume lacks below its floor. */
    private static long missing(Tier tier) {
        return tier.minFree - free(tier);
    }

    private static long free(Tier tier) {
        // Not by Files.getFileStore, which reads the table of mounts each time.
        return tier.dir.toFile().getUsableSpace();
    }

    private void run() throws IOException {
        long marks = tier.accounting.marks();
        scan();
        Collections.shuffle(candidates);
        List<Candidate> spared = new ArrayList<>();
        for (Candidate block : candidates) {
            if (enough()) {
                break;
            }
            if (block.readSince) {
                spare(block);
                spared.add(block);
            } else {
                evict(block);
            }
        }
        for (Candidate block : spared) {
            if (enough()) {
                break;
            }
            evict(block);
        }
        tier.accounting.reset(held, marks);
    }

    private boolean enough() {
        if (held > tier.budget * LOW_WATER) {
            return false;
        }
        if (missing(tier) > 0 && unlinkedBlocks >= TRIAL && free(tier) - freeBefore < unlinked / 2) {
            // Readers hold the blocks open: more unlinking frees no more.
            tier.rest();
            return true;
        }
        return missing(tier) <= 0;
    }

    private void scan() throws IOException {
        removeOrphans();
        Files.walkFileTree(tier.dir.resolve("v1"), new SimpleFileVisitor<Path>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (tier.isBlock(file)) {
                    candidates.add(new Candidate(file, attributes));
                    held += Accounting.onDisk(attributes.size());
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException vanished) throws IOException {
                if (vanished instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw vanished;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path dir, IOException e) {
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** By the file system's own clock, which is the one that dated them. */
    private void removeOrphans() throws IOException {
        Path probe = tier.temporary().resolve(ProcessInfo.uniqueName());
        tier.modes.create(probe).close();
        long now = Files.getLastModifiedTime(probe).toMillis();
        Files.delete(probe);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(tier.temporary())) {
            for (Path file : files) {
                try {
                    if (now - Files.getLastModifiedTime(file).toMillis() > ORPHAN_MILLIS) {
                        Files.deleteIfExists(file);
                    }
                } catch (NoSuchFileException published) {
                    continue;
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
    }

    private void spare(Candidate block) {
        try {
            FileTime now = FileTime.fromMillis(System.currentTimeMillis());
            Files.getFileAttributeView(block.path, BasicFileAttributeView.class).setTimes(now, now, null);
        } catch (IOException anotherUsersBlock) {
            // it keeps its mark, and is spared again
        }
    }

    private void evict(Candidate block) throws IOException {
        if (tier.below != null && tier.below.takeOver(block.path, tier.dir)) {
            Stats.count(Stats.Counter.DEMOTED_BLOCKS);
        }
        if (Files.deleteIfExists(block.path)) {
            Stats.count(Stats.Counter.EVICTED_BLOCKS);
            unlinked += Accounting.onDisk(block.size);
            unlinkedBlocks++;
        }
        held -= Accounting.onDisk(block.size);
        removeEmpty(block.path.getParent());
    }

    private void removeEmpty(Path dir) {
        try {
            Files.delete(dir);
            Files.delete(dir.getParent());
        } catch (IOException notEmptyOrGone) {
            // a publisher makes it again when it needs it
        }
    }
}

package io.hybridfs;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** What is done about once an hour in a tier, by one process (FORMAT 7). All times are the file system's own. */
final class Upkeep {
    private static final long INTERVAL_MILLIS = TimeUnit.HOURS.toMillis(1);
    private static final long ORPHAN_MILLIS = TimeUnit.HOURS.toMillis(1);
    private static final long UNTOUCHED_MILLIS = TimeUnit.DAYS.toMillis(7);

    private static final Pattern ANY = Pattern.compile(".*");
    /** What is left of a file that was written beside its name, to be renamed or linked to it. */
    private static final Pattern WRITTEN_ASIDE = Pattern.compile(".+\\.\\d+-[0-9a-f]{16}");

    private final Tier tier;
    private final long now;

    private Upkeep(Tier tier, long now) {
        this.tier = tier;
        this.now = now;
    }

    private static Path file(Path tier) {
        return tier.resolve("upkeep");
    }

    /** In a new tier nothing is due. */
    static void begin(Path dir, Modes modes) throws IOException {
        modes.open(file(dir), StandardOpenOption.WRITE).close();
    }

    /**
     * Does it if it is due and no other process is at it; called after {@code published} was appended to. In a thread
     * of its own: it may take minutes, and who publishes has locks that others wait for.
     */
    static void whenDue(Tier tier) {
        try {
            if (isDue(tier)) {
                Workers.upkeep(() -> unlessBusy(tier));
            }
        } catch (IOException e) {
            tier.fault(e);
        }
    }

    private static void unlessBusy(Tier tier) {
        try (LockFile.Held lock = tier.lock.tryLock(LockFile.EVICTOR)) {
            if (lock != null && isDue(tier)) {
                new Upkeep(tier, begin(tier)).run();
            }
        } catch (IOException e) {
            tier.fault(e);
        }
    }

    /** The modification time of {@code published}, just appended to, is now; that of {@code upkeep} the last. */
    private static boolean isDue(Tier tier) throws IOException {
        long interval = tier.maxAgeMillis == 0 ? INTERVAL_MILLIS : Math.min(INTERVAL_MILLIS, tier.maxAgeMillis / 4);
        try {
            long last = Files.getLastModifiedTime(file(tier.dir)).toMillis();
            long present = Files.getLastModifiedTime(tier.accounting.published).toMillis();
            // A clock that was set back must not put it off for long.
            return Math.abs(present - last) > interval;
        } catch (NoSuchFileException never) {
            return true;
        }
    }

    private static long begin(Tier tier) throws IOException {
        begin(tier.dir, tier.modes);
        AccessTimes.modifyNow(file(tier.dir));
        return Files.getLastModifiedTime(file(tier.dir)).toMillis();
    }

    private void run() throws IOException {
        removeOlder(tier.temporary(), ANY, ORPHAN_MILLIS);
        for (Path dir : Arrays.asList(tier.dir.toRealPath(), tier.dir.resolve("v1"), tier.fills)) {
            removeOlder(dir, WRITTEN_ASIDE, ORPHAN_MILLIS);
        }
        removeOlder(tier.fills, ANY, UNTOUCHED_MILLIS);
        boolean removed = OldTrees.removeUntouched(tier.dir, FileTime.fromMillis(now - UNTOUCHED_MILLIS));
        if (tier.maxAgeMillis > 0 || removed) {
            long marks = tier.accounting.marks();
            tier.accounting.record(tier.maxAgeMillis > 0 ? removeAged() : Counting.of(tier.dir), marks);
        }
        Steps.at("upkeep.done");
    }

    private void removeOlder(Path dir, Pattern names, long millis) throws IOException {
        for (Path file : Regions.list(dir)) {
            boolean meant = names.matcher(file.getFileName().toString()).matches();
            BasicFileAttributes found = meant ? Regions.look(file, "upkeep.look") : null;
            boolean done = found != null && names == WRITTEN_ASIDE && isLinked(file);
            if (done || found != null && now - found.lastModifiedTime().toMillis() > millis) {
                Regions.unlink(file);
            }
        }
    }

    /** Whether it is the file now that it was written for: that one's times move on, so it would never age. */
    private static boolean isLinked(Path file) throws IOException {
        try {
            return (Integer) Files.getAttribute(file, "unix:nlink", LinkOption.NOFOLLOW_LINKS) > 1;
        } catch (NoSuchFileException gone) {
            return false;
        }
    }

    /** As it looks at all blocks, it counts them. */
    private Usage removeAged() throws IOException {
        FileTime since = FileTime.fromMillis(now - tier.maxAgeMillis);
        return Counting.of(tier.dir, (block, found, pinned) -> {
            boolean stays = pinned || found.lastAccessTime().compareTo(since) >= 0
                || found.lastModifiedTime().compareTo(since) >= 0;
            if (!stays) {
                if (Regions.unlink(block)) {
                    Stats.count(Stats.Counter.EVICTED_BLOCKS);
                    Regions.removeIfEmpty(block.getParent());
                }
            }
            return stays;
        });
    }
}

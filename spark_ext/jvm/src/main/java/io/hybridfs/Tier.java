package io.hybridfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileTime;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One directory with a budget that holds blocks. Its faults stay here: a lookup misses, a publish does nothing. */
final class Tier {
    private static final Logger LOG = LoggerFactory.getLogger(Tier.class);
    private static final long ASIDE_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final int ATTEMPTS = 3;
    private static final long LEAST_SLACK = 2 << 20;

    final Path dir;
    final Modes modes;
    final long budget;
    final long minFree;
    final boolean memory;
    final Accounting accounting;
    final LockFile lock;
    /** Where evicted blocks go, or null. */
    volatile Tier below;
    private final boolean accessTimes;
    private volatile long closedUntil = System.nanoTime();
    private volatile long asideUntil = System.nanoTime();
    private volatile boolean warned;
    private final AtomicBoolean makingRoom = new AtomicBoolean();

    /** Opens or makes a tier with its root's modes; throws IOException when it cannot be used. */
    Tier(Path dir, long budget, long minFree, boolean memory, Modes modes) throws IOException {
        this.dir = dir;
        this.budget = budget;
        this.minFree = minFree;
        this.memory = memory;
        this.modes = modes;
        makeDirectories();
        this.accounting = new Accounting(dir, modes);
        this.lock = LockFile.of(dir, modes);
        this.accessTimes = movesAccessTimes();
    }

    private void makeDirectories() throws IOException {
        modes.makeRoot(dir);
        modes.makeDirectory(dir.resolve("v1"));
        modes.makeDirectory(temporary());
    }

    Path temporary() {
        return dir.resolve("v1/tmp");
    }

    boolean contains(Layout layout, long block) {
        return isPast(asideUntil) && Files.exists(dir.resolve(layout.path(block)));
    }

    /** The block, or null: every reason for which it is no hit is counted here. */
    CachedBlock find(Layout layout, long fileId, long block) {
        if (!isPast(asideUntil)) {
            return null;
        }
        Path path = dir.resolve(layout.path(block));
        try {
            CachedBlock found = CachedBlock.open(this, path, layout, fileId, block);
            if (!accessTimes && !found.readBefore) {
                touch(path);
            }
            return found;
        } catch (IOException e) {
            unreadable(path, e);
            return null;
        }
    }

    /** What follows from an exception that reading the block at {@code path} raised. */
    void unreadable(Path path, IOException e) {
        if (e instanceof BlockFormat.Rejected) {
            BlockFormat.Rejected rejected = (BlockFormat.Rejected) e;
            Stats.count(rejected.otherVersion ? Stats.Counter.VERSION_CHANGED : Stats.Counter.CORRUPT);
            if (rejected.unlink) {
                unlink(path);
            }
        } else if (!(e instanceof NoSuchFileException) && !(e instanceof ClosedByInterruptException)) {
            fault(e);
        }
    }

    /** Publishes {@code data[offset .. offset + length)} (FORMAT 5); false when the tier did not take it. */
    boolean publish(Layout layout, long fileId, long block, byte[] data, int offset, int length) {
        byte[] trailer = BlockFormat.trailer(data, offset, length, layout, fileId, block);
        return admit(layout.path(block), ByteBuffer.wrap(data, offset, length), ByteBuffer.wrap(trailer));
    }

    /**
     * Takes over a block that another tier found, trailer and all, and so with the fileId that its publisher knew;
     * throws IOException when it cannot be read. False when this tier did not take it.
     */
    boolean copy(CachedBlock block) throws IOException {
        return admit(block.tier.dir.relativize(block.path).toString(), ByteBuffer.wrap(block.whole()));
    }

    /** Publishes a block file of these parts at {@code block}, relative to the tier; false when it did not take it. */
    private boolean admit(String block, ByteBuffer... parts) {
        long size = 0;
        for (ByteBuffer part : parts) {
            size += part.remaining();
        }
        Path fresh = temporary().resolve(ProcessInfo.uniqueName());
        try {
            if (isPast(closedUntil) && !overfull()) {
                write(fresh, parts);
                moveInto(fresh, dir.resolve(block));
                published(size);
                return true;
            }
        } catch (IOException e) {
            unlink(fresh);
            fault(e);
        }
        Stats.count(Stats.Counter.NOT_ADMITTED);
        return false;
    }

    /** Whether eviction has fallen so far behind that nothing may be added (FORMAT 7); then it is asked for. */
    private boolean overfull() throws IOException {
        boolean overfull = accounting.total() - budget > Math.max(budget / 20, LEAST_SLACK);
        if (overfull) {
            Evictor.makeRoom(this);
        }
        return overfull;
    }

    private void write(Path fresh, ByteBuffer... parts) throws IOException {
        try (FileChannel out = create(fresh)) {
            while (parts[parts.length - 1].hasRemaining()) {
                out.write(parts);
            }
        }
        FileTime now = FileTime.fromMillis(System.currentTimeMillis());
        Files.getFileAttributeView(fresh, BasicFileAttributeView.class).setTimes(now, now, null);
    }

    private FileChannel create(Path fresh) throws IOException {
        try {
            return modes.create(fresh);
        } catch (NoSuchFileException directoryRemoved) {
            makeDirectories();
            return modes.create(fresh);
        }
    }

    private void moveInto(Path fresh, Path block) throws IOException {
        for (int attempt = 1; ; attempt++) {
            modes.makeDirectories(dir.resolve("v1"), block.getParent());
            try {
                Files.move(fresh, block, StandardCopyOption.ATOMIC_MOVE);
                return;
            } catch (NoSuchFileException evictorRemovedDirectory) {
                if (attempt == ATTEMPTS) {
                    throw evictorRemovedDirectory;
                }
            }
        }
    }

    /** Whether a file within {@code v1} is a block: {@code v1/<domain>/<xx>/<name>/<number>}. */
    boolean isBlock(Path file) {
        return dir.relativize(file).getNameCount() == 5;
    }

    /** Copies a block file of the tier above, trailer and all; false when this tier has it or cannot take it. */
    boolean takeOver(Path block, Path above) {
        Path target = dir.resolve(above.relativize(block));
        if (!isPast(closedUntil) || Files.exists(target)) {
            return false;
        }
        try {
            return admit(above.relativize(block).toString(), ByteBuffer.wrap(Files.readAllBytes(block)));
        } catch (NoSuchFileException gone) {
            return false;
        } catch (IOException e) {
            fault(e);
            return false;
        }
    }

    private void published(long size) throws IOException {
        if (accounting.publish(Accounting.onDisk(size))) {
            Evictor.makeRoom(this);
        }
    }

    void unlink(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            fault(e);
        }
    }

    /** Counts, warns once, and keeps this process from the tier for a while: of a full one it still reads. */
    void fault(IOException e) {
        Stats.count(Stats.Counter.TIER_FAULTS);
        rest();
        boolean full = isFull(e);
        if (!full) {
            asideUntil = closedUntil;
        }
        if (!warned) {
            warned = true;
            LOG.warn("hybridfs: cache directory {}: {}. Reads go on from the origin.", dir, e.toString());
        }
        if (full && makingRoom.compareAndSet(false, true)) {
            try {
                Evictor.makeRoom(this);
            } finally {
                makingRoom.set(false);
            }
        }
    }

    /** Publishes nothing for a while. */
    void rest() {
        closedUntil = System.nanoTime() + ASIDE_NANOS;
    }

    private static boolean isFull(IOException e) {
        String text = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        return text.contains("no space left") || text.contains("quota");
    }

    private static boolean isPast(long nanos) {
        return System.nanoTime() - nanos >= 0;
    }

    /** Only the owner may, and only the evictor's choice depends on it. */
    private static void touch(Path path) {
        try {
            FileTime now = FileTime.fromMillis(System.currentTimeMillis());
            Files.getFileAttributeView(path, BasicFileAttributeView.class).setTimes(null, now, null);
        } catch (IOException notMine) {
            // the block stays as it is
        }
    }

    /** False on a mount with noatime. */
    private boolean movesAccessTimes() throws IOException {
        Path probe = temporary().resolve(ProcessInfo.uniqueName());
        try {
            FileTime past = FileTime.fromMillis(System.currentTimeMillis() - 60_000);
            try (FileChannel out = modes.create(probe)) {
                out.write(ByteBuffer.wrap(new byte[1]));
            }
            BasicFileAttributeView view = Files.getFileAttributeView(probe, BasicFileAttributeView.class);
            view.setTimes(past, past, null);
            Files.readAllBytes(probe);
            return view.readAttributes().lastAccessTime().compareTo(past) > 0;
        } finally {
            Files.deleteIfExists(probe);
        }
    }
}

package io.hybridfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One directory with a budget that holds blocks. Its faults stay here: a lookup misses, a publish does nothing. */
final class Tier {
    private static final Logger LOG = LoggerFactory.getLogger(Tier.class);
    private static final long LEAST_SLACK = 2 << 20;
    /** A volume with less free is full, in whichever language its fault is told. */
    private static final long NOTHING_FREE = 1 << 20;
    /** What may be published before it is looked again whether there is room; less than a block. */
    private static final long UNCHECKED = 64 << 10;
    private static final long RECOUNT_NANOS = TimeUnit.MINUTES.toNanos(1);

    final Path dir;
    final Modes modes;
    final long budget;
    final long minFree;
    /** 0 = never. */
    final long maxAgeMillis;
    final boolean memory;
    final Accounting accounting;
    final LockFile lock;
    final Breaker breaker = new Breaker();
    /** Where evicted blocks go, or null. */
    volatile Tier below;
    /** What applications have published, in the root. */
    volatile Path fills;
    private final Publisher publisher;
    private final boolean accessTimes;
    private final AtomicBoolean warned = new AtomicBoolean();
    private final AtomicBoolean makingRoom = new AtomicBoolean();
    private final AtomicLong unchecked = new AtomicLong(UNCHECKED);
    private final AtomicLong recountedAt = new AtomicLong(System.nanoTime() - RECOUNT_NANOS);

    /** Opens or makes a tier with its root's modes; throws IOException when it cannot be used. */
    Tier(Path dir, long budget, long minFree, long maxAgeMillis, boolean memory, Modes modes) throws IOException {
        this.dir = dir;
        this.fills = dir.resolve(Fills.DIRECTORY);
        this.budget = budget;
        this.minFree = minFree;
        this.maxAgeMillis = maxAgeMillis;
        this.memory = memory;
        this.modes = modes;
        this.publisher = new Publisher(dir, modes);
        publisher.makeDirectories();
        this.accounting = new Accounting(dir, modes);
        if (!Files.exists(dir.resolve(LockFile.NAME))) {
            accounting.begin();
            Upkeep.begin(dir, modes);
        }
        this.lock = LockFile.of(dir, modes);
        this.accessTimes = AccessTimes.moveByReading(temporary().resolve(ProcessInfo.uniqueName()), modes);
    }

    Path temporary() {
        return publisher.temporary;
    }

    boolean contains(Layout layout, long block) {
        return !breaker.isOff() && Files.exists(dir.resolve(layout.path(block)));
    }

    /** The block, or null, and why in {@code reasons}: every reason for which it is no hit is counted here. */
    CachedBlock find(Layout layout, long validator, long block, Reasons reasons) {
        if (breaker.isOff()) {
            reasons.note(block, Miss.TIER_OFF);
            return null;
        }
        Path path = dir.resolve(layout.path(block));
        try {
            CachedBlock found = modes.patiently(() -> CachedBlock.open(this, path, layout, validator, block));
            if (!accessTimes && !found.readBefore) {
                AccessTimes.mark(path);
            }
            return found;
        } catch (IOException e) {
            reasons.note(block, unreadable(path, e));
            return null;
        }
    }

    /**
     * A whole file of at most {@code most} bytes, relative to the tier; null when there is none, and of what cannot be
     * read, which is a fault.
     */
    byte[] read(String relative, int most) {
        if (breaker.isOff()) {
            return null;
        }
        Path path = dir.resolve(relative);
        try {
            return modes.patiently(() -> readWhole(path, most));
        } catch (IOException e) {
            unreadable(path, e);
            return null;
        }
    }

    /** With one look before: most files are not there, and to open a pipe would wait for its writer. */
    private byte[] readWhole(Path path, int most) throws IOException {
        long size = path.toFile().length();
        if (size == 0) {
            return null;
        }
        if (size > most) {
            throw new BlockFormat.Rejected("size", true, false);
        }
        ByteBuffer whole = ByteBuffer.allocate((int) size);
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            BlockFormat.readFully(channel, 0, whole);
        } catch (IOException e) {
            throw Files.isDirectory(path) ? new BlockFormat.Rejected("no file", true, false) : e;
        }
        if (!accessTimes) {
            AccessTimes.mark(path);
        }
        return whole.array();
    }

    /** Removes a file, relative to the tier, if it is there. */
    void remove(String relative) {
        unlink(dir.resolve(relative));
    }

    /** What follows from an exception that reading the block at {@code path} raised; returns why it is a miss. */
    Miss unreadable(Path path, IOException e) {
        if (e instanceof BlockFormat.Rejected) {
            BlockFormat.Rejected rejected = (BlockFormat.Rejected) e;
            Stats.count(rejected.otherVersion ? Stats.Counter.VERSION_CHANGED : Stats.Counter.CORRUPT);
            if (rejected.unlink) {
                unlink(path);
            }
            return rejected.otherVersion ? Miss.VERSION_CHANGED : Miss.CORRUPT;
        }
        return isAbsence(e) ? Miss.COLD : fault(e, false);
    }

    /** Also where a file is in a directory's place, of which there is no exception of its own. */
    private static boolean isAbsence(IOException e) {
        return e instanceof NoSuchFileException || e instanceof ClosedByInterruptException
            || e.getClass() == FileSystemException.class && reason(e).contains("not a directory");
    }

    private void unlink(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (DirectoryNotEmptyException leftToWhoeverMadeIt) {
            // a miss for ever, but no fault of the disk
        } catch (IOException e) {
            if (!isAbsence(e)) {
                fault(e, false);
            }
        }
    }

    /**
     * Takes over a block that another tier found, trailer and all, and so with the validator that its publisher knew;
     * throws IOException when it cannot be read. False when this tier did not take it.
     */
    boolean copy(CachedBlock block) throws IOException {
        return publish(block.tier.dir.relativize(block.path).toString(), ByteBuffer.wrap(block.whole())) == null;
    }

    /** Copies a block file of the tier above, trailer and all; false when this tier has it or cannot take it. */
    boolean takeOver(Path block, Path above) {
        String relative = above.relativize(block).toString();
        if (breaker.closed() != null || Files.exists(dir.resolve(relative))) {
            return false;
        }
        try {
            return publish(relative, ByteBuffer.wrap(Files.readAllBytes(block))) == null;
        } catch (IOException unreadable) {
            // It has gone, or nobody could have read it: no fault of this tier.
            return false;
        }
    }

    /** Publishes a block file of these parts at {@code block}, relative to the tier (FORMAT 5); why not, or null. */
    Miss publish(String block, ByteBuffer... parts) {
        Miss closed = breaker.closed();
        if (closed != null) {
            return closed;
        }
        try {
            if (unchecked.addAndGet(length(parts)) >= UNCHECKED) {
                if (overfull()) {
                    return Miss.NO_SPACE;
                }
                unchecked.set(0);
            }
            long size = publisher.publish(block, parts);
            if (accounting.publish(Accounting.onDisk(size))) {
                Evictor.makeRoom(this);
                Upkeep.whenDue(this);
            }
            return null;
        } catch (NoSuchFileException e) {
            return publisher.isThere() ? Miss.NO_SPACE : fault(e);
        } catch (IOException e) {
            return fault(e);
        }
    }

    private static long length(ByteBuffer... parts) {
        long length = 0;
        for (ByteBuffer part : parts) {
            length += part.remaining();
        }
        return Accounting.onDisk(length);
    }

    /** Whether eviction has fallen so far behind that nothing may be added (FORMAT 7); then it is asked for. */
    private boolean overfull() throws IOException {
        if (!exceedsSlack()) {
            return false;
        }
        Evictor.makeRoom(this);
        return exceedsSlack();
    }

    private boolean exceedsSlack() throws IOException {
        return accounting.total() - budget > Math.max(budget / 20, LEAST_SLACK);
    }

    /** Whether this process may count now although no count is due; not again for some minutes. */
    boolean mayRecount() {
        long last = recountedAt.get();
        long now = System.nanoTime();
        return now - last >= RECOUNT_NANOS && recountedAt.compareAndSet(last, now);
    }

    /** Counts, warns once, keeps this process from the tier for a while: of a full one it still reads (FORMAT 8). */
    Miss fault(IOException e) {
        return fault(e, isFull(e));
    }

    /** {@code full}: of which reading tells nothing, however little is free. */
    private Miss fault(IOException e, boolean full) {
        if (e instanceof ClosedByInterruptException) {
            // The thread's trouble, not the disk's.
            return Miss.COLD;
        }
        Stats.count(Stats.Counter.TIER_FAULTS);
        if (full) {
            breaker.full();
        } else {
            breaker.off();
        }
        if (warned.compareAndSet(false, true)) {
            LOG.warn("hybridfs: cache directory {}: {}. Reads go on from the origin.", dir, e.toString());
        }
        if (full && makingRoom.compareAndSet(false, true)) {
            try {
                Evictor.makeRoom(this, true);
            } finally {
                makingRoom.set(false);
            }
        }
        return full ? Miss.NO_SPACE : Miss.TIER_OFF;
    }

    /** In lower case, without the path that the message may begin with. */
    private static String reason(IOException e) {
        String reason = e instanceof FileSystemException ? ((FileSystemException) e).getReason() : e.getMessage();
        return String.valueOf(reason).toLowerCase(Locale.ROOT);
    }

    /** Java tells errors by their texts only, which are in the user's language. */
    private boolean isFull(IOException e) {
        String text = reason(e);
        boolean unnamed = e.getClass() == IOException.class || e.getClass() == FileSystemException.class;
        return text.contains("no space left") || text.contains("quota")
            || unnamed && dir.toFile().getTotalSpace() > 0 && dir.toFile().getUsableSpace() < NOTHING_FREE;
    }
}

package io.hybridfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Tiers of tests, filled with blocks of 64 KiB, of one region for each 20 blocks. */
final class Tiers {
    static final int BLOCK = 64 << 10;
    /** On disk: the data, and a page for the trailer. */
    static final long ON_DISK = BLOCK + 4096;
    private static final int BLOCKS_OF_A_FILE = 20;

    private Tiers() {
    }

    static Tier make(Path root, long budget, long maxAgeMillis) throws IOException {
        return new Tier(root, budget, 0, maxAgeMillis, false, Modes.ofRoot(root));
    }

    private static Layout file(long number) {
        long file = number / BLOCKS_OF_A_FILE;
        return new Layout("hdfs-a", "hdfs://a/" + file, "1", (long) BLOCKS_OF_A_FILE * BLOCK, BLOCK);
    }

    /** Null when it was published. */
    static Miss publish(Tier tier, long number) {
        return publish(tier, file(number), 0, number % BLOCKS_OF_A_FILE, GoldenMaker.bytes(number * BLOCK, BLOCK));
    }

    /** Null when it was published. */
    static Miss publish(Tier tier, Layout layout, long validator, long block, byte[] data) {
        byte[] trailer = BlockFormat.trailer(data, 0, data.length, layout, validator, block);
        return tier.publish(layout.path(block), ByteBuffer.wrap(data), ByteBuffer.wrap(trailer));
    }

    static void fill(Tier tier, long from, long until) {
        for (long number = from; number < until; number++) {
            if (publish(tier, number) != null) {
                throw new AssertionError("block " + number + " was not published");
            }
        }
    }

    /** Returns when upkeep that was asked for is done. */
    static void quiesce() {
        try {
            Workers.quiesce();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    static Path path(Tier tier, long number) {
        return tier.dir.resolve(file(number).path(number % BLOCKS_OF_A_FILE));
    }

    static long held(Tier tier) throws IOException {
        return held(tier.dir);
    }

    static long held(Path tier) throws IOException {
        long bytes = 0;
        for (Path block : Trees.blocks(tier)) {
            bytes += Accounting.onDisk(Files.size(block));
        }
        return bytes;
    }

    /** As if read after it was published. */
    static void mark(Path block) throws IOException {
        long now = System.currentTimeMillis();
        times(block, now - 60_000, now);
    }

    static void times(Path file, long modified, long read) throws IOException {
        Files.getFileAttributeView(file, BasicFileAttributeView.class)
            .setTimes(FileTime.fromMillis(modified), FileTime.fromMillis(read), null);
    }

    /** The steps that {@code action}, and the upkeep that it asked for, took whose names begin so. */
    static List<String> steps(String prefix, Runnable action) {
        List<String> taken = Collections.synchronizedList(new ArrayList<>());
        Thread here = Thread.currentThread();
        Steps.hook = step -> {
            Thread now = Thread.currentThread();
            if ((now == here || now.getName().startsWith("hybridfs-upkeep")) && step.startsWith(prefix)) {
                taken.add(step);
            }
        };
        try {
            action.run();
            quiesce();
        } finally {
            Steps.hook = null;
        }
        return taken;
    }
}

package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Single flight, and what is published when, with an origin that does as it is told. */
class FetcherTest {
    private static final int BLOCK = 64 << 10;
    private static final int BLOCKS = 40;
    private static final byte[] DATA = GoldenMaker.bytes(0, BLOCKS * BLOCK - 77);

    @TempDir
    Path root;
    private Store store;
    private Layout layout;

    private final class Told implements Origin {
        final AtomicLong bytes = new AtomicLong();
        volatile IOException failure;
        volatile boolean publishable = true;
        volatile long delayMillis;
        volatile long failsAt = -1;

        @Override
        public void read(long position, byte[] into, int offset, int length) throws IOException {
            pause();
            if (position == failsAt) {
                throw new IOException("fails here");
            }
            if (failure != null) {
                throw failure;
            }
            bytes.addAndGet(length);
            System.arraycopy(DATA, (int) position, into, offset, length);
        }

        private void pause() {
            try {
                Thread.sleep(delayMillis);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public Miss refusal() {
            return publishable ? null : Miss.UNDER_CONSTRUCTION;
        }

        @Override
        public long validator() {
            return 3;
        }
    }

    @BeforeEach
    void setUp() {
        Workers.fetchStreams(8);
        Configuration conf = new Configuration(false);
        conf.set(Options.CACHE_DIR, root.resolve("cache").toString());
        conf.set(Options.BLOCK_SIZE, "64KiB");
        conf.set(Options.MIN_FREE, "0");
        conf.set(Options.LOCK_TIMEOUT, "400ms");
        store = Store.of(new Options(conf));
        layout = new Layout("hdfs-a", "hdfs://a/f", "1", DATA.length, BLOCK);
    }

    @AfterEach
    void tearDown() throws Exception {
        Workers.quiesce();
    }

    private Fetcher fetcher(Origin origin) {
        return new Fetcher(store, layout, origin, new Reasons());
    }

    private static void assertHas(Run run) throws Exception {
        byte[] data = run.data.get(60, TimeUnit.SECONDS);
        int from = (int) run.first * BLOCK;
        assertArrayEquals(Arrays.copyOfRange(DATA, from, Math.min(DATA.length, (int) run.end() * BLOCK)), data);
    }

    @Test
    void manyFetchersOfOverlappingRunsReadEachByteOnce() throws Exception {
        Told origin = new Told();
        origin.delayMillis = 20;
        List<Run> runs = new ArrayList<>();
        for (int reader = 0; reader < 6; reader++) {
            Fetcher fetcher = new Fetcher(store, new Layout("hdfs-a", "hdfs://a/f", "1", DATA.length, BLOCK), origin,
                new Reasons());
            for (int block = reader % 3; block < BLOCKS; block += 5) {
                runs.add(fetcher.start(block, Math.min(5, BLOCKS - block)));
            }
        }
        for (Run run : runs) {
            assertHas(run);
        }
        Workers.quiesce();
        assertEquals(DATA.length, origin.bytes.get());
        assertEquals(BLOCKS, Trees.blocks(root.resolve("cache")).size());
    }

    @Test
    void whatMayNotBePublishedIsServedButNotKept() throws Exception {
        Told origin = new Told();
        origin.publishable = false;
        assertHas(fetcher(origin).start(0, 10));
        Workers.quiesce();
        assertEquals(0, Trees.blocks(root.resolve("cache")).size());
        origin.publishable = true;
        assertHas(fetcher(origin).start(0, 10));
        Workers.quiesce();
        assertEquals(10, Trees.blocks(root.resolve("cache")).size());
    }

    @Test
    void theOriginsErrorIsTheReadersAndNobodyIsLockedOut() throws Exception {
        Told origin = new Told();
        origin.failure = new IOException("no such block");
        Fetcher fetcher = fetcher(origin);
        Run run = fetcher.start(2, 3);
        ExecutionException e = assertThrows(ExecutionException.class, () -> run.data.get(60, TimeUnit.SECONDS));
        assertSame(origin.failure, e.getCause());
        origin.failure = null;
        long timeouts = Stats.get(Stats.Counter.LOCK_TIMEOUTS);
        assertHas(fetcher.start(2, 3));
        assertEquals(timeouts, Stats.get(Stats.Counter.LOCK_TIMEOUTS));
    }

    @Test
    void whoeverWaitsTooLongReadsTheOriginItself() throws Exception {
        Told origin = new Told();
        try (LockFile.Held held = store.tryFetch(layout, 7)) {
            assertNotNull(held);
            long timeouts = Stats.get(Stats.Counter.LOCK_TIMEOUTS);
            long reasons = Stats.get(Miss.LOCK_TIMEOUT);
            long misses = Stats.get(Stats.Counter.MISS_BLOCKS);
            assertHas(fetcher(origin).start(5, 5));
            assertEquals(timeouts + 1, Stats.get(Stats.Counter.LOCK_TIMEOUTS));
            Workers.quiesce();
            assertEquals(reasons + 1, Stats.get(Miss.LOCK_TIMEOUT));
            assertEquals(misses + 5, Stats.get(Stats.Counter.MISS_BLOCKS));
            assertEquals(5 * BLOCK, origin.bytes.get());
            assertEquals(5, Trees.blocks(root.resolve("cache")).size(), "the next one need not wait");
        }
    }

    @Test
    void anErrorAfterWaitingTooLongLocksNobodyOut() throws Exception {
        Told origin = new Told();
        origin.delayMillis = 500;
        origin.failsAt = 7L * BLOCK;
        try (LockFile.Held held = store.tryFetch(layout, 7)) {
            assertNotNull(held);
            Run run = fetcher(origin).start(5, 3);
            assertThrows(ExecutionException.class, () -> run.data.get(60, TimeUnit.SECONDS));
        }
        Workers.quiesce();
        for (long block = 5; block < 8; block++) {
            try (LockFile.Held free = store.tryFetch(layout, block)) {
                assertNotNull(free, "block " + block);
            }
        }
    }

    @Test
    void whoeverWaitsTakesTheBlockThatAnotherPublished() throws Exception {
        Told origin = new Told();
        Run run;
        try (LockFile.Held held = store.tryFetch(layout, 7)) {
            assertNotNull(held);
            run = fetcher(origin).start(5, 5);
            Thread.sleep(60);
            store.publish(layout, 3, 7, DATA, 7 * BLOCK);
        }
        assertHas(run);
        assertTrue(run.cached.get(2));
        assertEquals(4 * BLOCK, origin.bytes.get());
    }

    @Test
    void anAbandonedRunIsNotFetched() throws Exception {
        Told slow = new Told();
        slow.delayMillis = 300;
        Fetcher fetcher = fetcher(slow);
        List<Run> runs = new ArrayList<>();
        for (int block = 0; block < BLOCKS; block++) {
            runs.add(fetcher.start(block, 1));
        }
        Run last = runs.get(BLOCKS - 1);
        last.abandon();
        assertThrows(ExecutionException.class, () -> last.data.get(60, TimeUnit.SECONDS));
        for (Run run : runs.subList(0, BLOCKS - 1)) {
            assertHas(run);
        }
        Workers.quiesce();
        assertEquals((BLOCKS - 1) * BLOCK, slow.bytes.get());
    }
}

package io.hybridfs;

import java.io.IOException;
import java.util.BitSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/** Consecutive blocks that are fetched as one. */
final class Run {
    final long first;
    final int blocks;
    /** The data of all blocks, once every byte of it may be delivered. */
    final CompletableFuture<byte[]> data = new CompletableFuture<>();
    /** Which of them, counted from {@code first}, the cache had after all; set before {@code data} completes. */
    final BitSet cached = new BitSet();
    private final AtomicBoolean begun = new AtomicBoolean();

    Run(long first, int blocks) {
        this.first = first;
        this.blocks = blocks;
    }

    boolean covers(long block) {
        return block >= first && block < end();
    }

    long end() {
        return first + blocks;
    }

    /** True for the one who may go on: the fetcher, or who abandons the run before it was fetched. */
    boolean begin() {
        return begun.compareAndSet(false, true);
    }

    /** Its stream does not want it any more: it is not fetched, unless that has begun. */
    void abandon() {
        if (begin()) {
            data.completeExceptionally(new Abandoned());
        }
    }

    /** Tells a concurrent reader of the same stream to look again. */
    static final class Abandoned extends IOException {
        private static final long serialVersionUID = 1L;
    }
}

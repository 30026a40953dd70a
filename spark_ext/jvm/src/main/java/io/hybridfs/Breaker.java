package io.hybridfs;

import java.util.concurrent.TimeUnit;

/** What a tier's faults keep this process from for a while (FORMAT 8). */
final class Breaker {
    static final long REST_NANOS = TimeUnit.SECONDS.toNanos(30);

    private volatile long fullUntil = System.nanoTime();
    private volatile long offUntil = System.nanoTime();

    /** Neither read nor published. */
    boolean isOff() {
        return !isPast(offUntil);
    }

    /** Why nothing is published now, or null. */
    Miss closed() {
        if (isOff()) {
            return Miss.TIER_OFF;
        }
        return isPast(fullUntil) ? null : Miss.NO_SPACE;
    }

    /** Its blocks are still read. */
    void full() {
        fullUntil = System.nanoTime() + REST_NANOS;
    }

    void off() {
        offUntil = System.nanoTime() + REST_NANOS;
    }

    private static boolean isPast(long nanos) {
        return System.nanoTime() - nanos >= 0;
    }
}

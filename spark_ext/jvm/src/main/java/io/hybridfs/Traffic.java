package io.hybridfs;

import java.util.concurrent.atomic.LongAdder;

/** Bytes of one stream. */
final class Traffic {
    /** Delivered from the cache. */
    final LongAdder hit = new LongAdder();
    /** Fetched from the origin for this stream: whole blocks, and what was read ahead. */
    final LongAdder miss = new LongAdder();
}

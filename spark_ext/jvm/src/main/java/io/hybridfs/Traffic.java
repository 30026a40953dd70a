package io.hybridfs;

import java.util.concurrent.atomic.LongAdder;
import org.apache.hadoop.security.AccessControlException;

/** What one stream was given. */
class Traffic {
    /** Bytes delivered from the cache. */
    final LongAdder hit = new LongAdder();
    /** Bytes fetched from the origin for this stream: whole blocks, and what was read ahead. */
    final LongAdder miss = new LongAdder();

    /** The origin has another version, or no file, in the place of the one that is read. */
    void changed() {
    }

    /** The origin refused bytes of a stream that was open. */
    void refused(AccessControlException e) {
    }
}

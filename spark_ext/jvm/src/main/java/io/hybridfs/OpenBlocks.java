package io.hybridfs;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/** The cached blocks of one file version that a stream keeps open; the one used longest ago is closed first. */
final class OpenBlocks implements Closeable {
    private static final int MOST = 32;

    private final Store store;
    private final Layout layout;
    private final Reasons reasons;
    private final Map<Long, CachedBlock> open = new LinkedHashMap<>(16, 0.75f, true);

    OpenBlocks(Store store, Layout layout, Reasons reasons) {
        this.store = store;
        this.reasons = reasons;
        this.layout = layout;
    }

    /** Fills {@code into} from {@code offset} of the block; false, and nothing put, when the cache cannot. */
    boolean read(long validator, long block, int offset, ByteBuffer into) {
        int start = into.position();
        while (true) {
            CachedBlock cached = find(validator, block);
            if (cached == null) {
                return false;
            }
            try {
                cached.read(offset, into);
                return true;
            } catch (IOException e) {
                into.position(start);
                forget(block, cached);
                if (!closedByAnotherThread(e)) {
                    reasons.note(block, cached.tier.unreadable(cached.path, e));
                    return false;
                }
            }
        }
    }

    private static boolean closedByAnotherThread(IOException e) {
        return e instanceof ClosedChannelException && !(e instanceof ClosedByInterruptException);
    }

    synchronized boolean contains(long block) {
        return open.containsKey(block);
    }

    private synchronized CachedBlock find(long validator, long block) {
        CachedBlock known = open.get(block);
        if (known == null) {
            known = store.find(layout, validator, block, reasons);
            if (known != null) {
                open.put(block, known);
                if (open.size() > MOST) {
                    Iterator<CachedBlock> eldest = open.values().iterator();
                    eldest.next().close();
                    eldest.remove();
                }
            }
        }
        return known;
    }

    private synchronized void forget(long block, CachedBlock cached) {
        open.remove(block, cached);
        cached.close();
    }

    @Override
    public synchronized void close() {
        open.values().forEach(CachedBlock::close);
        open.clear();
    }
}

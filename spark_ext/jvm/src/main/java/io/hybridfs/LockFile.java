package io.hybridfs;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The byte locks of one lock file (FORMAT 6), between processes and between threads.
 * Closing any descriptor of a file drops all POSIX locks that the process has on it: hence one channel a process and
 * file, never closed.
 */
final class LockFile {
    static final String NAME = "lock";
    static final long EVICTOR = 0;
    private static final ConcurrentHashMap<Path, LockFile> OPEN = new ConcurrentHashMap<>();

    private final FileChannel channel;

    private LockFile(FileChannel channel) {
        this.channel = channel;
    }

    static LockFile of(Path dir, Modes modes) throws IOException {
        Path file = dir.resolve(NAME);
        synchronized (OPEN) {
            LockFile known = OPEN.get(file);
            if (known == null) {
                known = new LockFile(modes.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE));
                OPEN.put(file, known);
            }
            return known;
        }
    }

    /** A held lock. Closing it twice is no harm. */
    static final class Held implements AutoCloseable {
        static final Held OF_NOTHING = new Held(null);
        private FileLock lock;

        /** {@code lock}: null where the file system has no locks. */
        private Held(FileLock lock) {
            this.lock = lock;
        }

        @Override
        public synchronized void close() {
            try {
                if (lock != null) {
                    lock.release();
                }
            } catch (IOException gone) {
                // the process's end releases it
            } finally {
                lock = null;
            }
        }
    }

    /** The lock of one byte, or null while another thread or process has it. Where locks do not work, it is granted. */
    Held tryLock(long offset) {
        try {
            FileLock lock = channel.tryLock(offset, 1, false);
            return lock == null ? null : new Held(lock);
        } catch (OverlappingFileLockException anotherThread) {
            // Java keeps the table of the process's own locks, over all class loaders.
            return null;
        } catch (IOException unlockable) {
            return Held.OF_NOTHING;
        }
    }
}

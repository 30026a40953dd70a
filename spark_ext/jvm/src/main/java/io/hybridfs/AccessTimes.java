package io.hybridfs;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;

/** The mark of a block that was read since it was published or spared: access time > modification time (FORMAT 7). */
final class AccessTimes {
    private AccessTimes() {
    }

    static boolean marked(BasicFileAttributes block) {
        return block.lastAccessTime().compareTo(block.lastModifiedTime()) > 0;
    }

    /** Equal and of now, as of a fresh block. */
    static void equalise(Path file) throws IOException {
        FileTime now = FileTime.fromMillis(System.currentTimeMillis());
        view(file).setTimes(now, now, null);
    }

    /** Only the owner may, and only the evictor's choice depends on it. */
    static void mark(Path block) {
        try {
            view(block).setTimes(null, FileTime.fromMillis(System.currentTimeMillis()), null);
        } catch (IOException notMine) {
            // the block stays as it is
        }
    }

    static void unmark(Path block) {
        try {
            equalise(block);
        } catch (NoSuchFileException gone) {
            return;
        } catch (IOException anotherUsers) {
            try {
                modifyNow(block);
            } catch (IOException notMine) {
                // it keeps its mark
            }
        }
    }

    /** By the file system's clock, and for whoever may write: ftruncate moves the time though the length stays. */
    static void modifyNow(Path file) throws IOException {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            // It would be made, or waited for.
            return;
        }
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            open.setLength(open.length());
        }
    }

    /** Whether reading moves the access time: false on a mount with noatime. {@code probe} is made and removed. */
    static boolean moveByReading(Path probe, Modes modes) {
        try {
            FileTime past = FileTime.fromMillis(System.currentTimeMillis() - 60_000);
            try (FileChannel out = modes.create(probe)) {
                out.write(ByteBuffer.wrap(new byte[1]));
            }
            view(probe).setTimes(past, past, null);
            Files.readAllBytes(probe);
            return view(probe).readAttributes().lastAccessTime().compareTo(past) > 0;
        } catch (IOException full) {
            // A tier that cannot be written to can be read.
            return true;
        } finally {
            probe.toFile().delete();
        }
    }

    private static BasicFileAttributeView view(Path file) {
        return Files.getFileAttributeView(file, BasicFileAttributeView.class);
    }
}

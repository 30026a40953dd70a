package io.hybridfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;

/** A root's mode is its policy of sharing (FORMAT 1): what directories and files get, and whose roots are used. */
final class Modes {
    private static final int SETGID = 02000;
    private static final int GROUP_WRITE = 0020;
    private static final int OTHERS_WRITE = 0002;
    private static final int ALL_BUT_OWNER = 0077;

    /** How often, and after how long, what was not permitted is tried again. */
    private static final int ATTEMPTS = 3;
    private static final long MOMENT_MILLIS = 2;

    /** Whether nobody but the owner may do anything there. */
    final boolean ownerOnly;
    private final boolean shared;
    private final int group;

    private Modes(boolean ownerOnly, boolean shared, int group) {
        this.ownerOnly = ownerOnly;
        this.shared = shared;
        this.group = group;
    }

    /** Those of a new root: 0700 and 0600. */
    static Modes ofNew() {
        return new Modes(true, false, 0);
    }

    /** Makes {@code root} when it is missing; throws IOException when it is not one to be used. */
    static Modes ofRoot(Path root) throws IOException {
        if (!Files.isDirectory(root)) {
            ofNew().makeRoot(root);
        }
        return check(root);
    }

    /** Makes a further tier of the root when it is missing; throws IOException when it is not one to be used. */
    void makeRoot(Path tier) throws IOException {
        if (!Files.isDirectory(tier)) {
            Files.createDirectories(tier.getParent());
            makeDirectory(tier);
        }
        check(tier);
    }

    private static Modes check(Path root) throws IOException {
        Map<String, Object> is = Files.readAttributes(root, "unix:mode,uid,gid");
        int mode = (Integer) is.get("mode");
        int owner = (Integer) is.get("uid");
        int group = (Integer) is.get("gid");
        boolean shared = (mode & GROUP_WRITE) != 0;
        if ((mode & OTHERS_WRITE) != 0) {
            throw new IOException(root + " is writable by others: chmod 0700, or 2770 to share it with a group");
        }
        if (shared && (mode & SETGID) == 0) {
            throw new IOException(root + " is writable by its group: run chmod 700 " + root
                + ", or 2770 to share it");
        }
        boolean mine = owner == ProcessInfo.UID || owner == 0;
        if (!mine && !(shared && ProcessInfo.inGroup(group))) {
            throw new IOException(root + " belongs to user " + owner + ": take another directory, or chmod 2770 it "
                + "and give it to a common group");
        }
        return new Modes((mode & ALL_BUT_OWNER) == 0, shared, group);
    }

    /** An existing directory is success. */
    void makeDirectory(Path dir) throws IOException {
        try {
            Files.createDirectory(dir);
        } catch (FileAlreadyExistsException exists) {
            return;
        }
        if (shared) {
            Files.setAttribute(dir, "unix:gid", group);
        }
        Files.setAttribute(dir, "unix:mode", shared ? 02770 : 0700);
    }

    /** Makes {@code dir} and what is missing above it, up to {@code base}, which exists. */
    void makeDirectories(Path base, Path dir) throws IOException {
        if (dir.equals(base)) {
            return;
        }
        try {
            makeDirectory(dir);
        } catch (NoSuchFileException parentMissing) {
            makeDirectories(base, dir.getParent());
            makeDirectory(dir);
        }
    }

    /** A new file, written by nobody else. */
    FileChannel create(Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try {
            chmod(file);
            return channel;
        } catch (IOException | RuntimeException e) {
            channel.close();
            file.toFile().delete();
            throw e;
        }
    }

    /** A new small file. */
    void write(Path file, String content) throws IOException {
        ByteBuffer left = ByteBuffer.wrap(content.getBytes(StandardCharsets.UTF_8));
        try (FileChannel out = create(file)) {
            while (left.hasRemaining()) {
                out.write(left);
            }
        }
    }

    /** A file that is made when it is missing. */
    FileChannel open(Path file, OpenOption... how) throws IOException {
        try {
            return FileChannel.open(regular(file), how);
        } catch (NoSuchFileException missing) {
            makeOnce(file, "");
            return FileChannel.open(file, how);
        }
    }

    /** What a small file holds. */
    static String read(Path file) throws IOException {
        return new String(Files.readAllBytes(regular(file)), StandardCharsets.UTF_8);
    }

    /** Whoever may put a pipe or a link in a file's place must not hang who opens it. */
    private static Path regular(Path file) throws IOException {
        if (!Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS).isRegularFile()) {
            throw new IOException(file + " is no file: remove it");
        }
        return file;
    }

    /** Makes a file unless there is one. It appears whole and with its mode: others may open it at once. */
    void makeOnce(Path file, String content) throws IOException {
        Path beside = file.resolveSibling(file.getFileName() + "." + ProcessInfo.uniqueName());
        try {
            write(beside, content);
            Files.createLink(file, beside);
        } catch (FileAlreadyExistsException another) {
            // that one counts
        } finally {
            beside.toFile().delete(); // upkeep may have been faster
        }
    }

    /**
     * In a shared root does {@code act} again after a moment if it is not permitted: a directory that another user
     * makes gets its mode late, and until then that user's umask holds.
     */
    <T> T patiently(Action<T> act) throws IOException {
        for (int attempt = 0; shared && attempt < ATTEMPTS; attempt++) {
            try {
                return act.run();
            } catch (AccessDeniedException notYet) {
                pause();
            }
        }
        return act.run();
    }

    private static void pause() {
        try {
            Thread.sleep(MOMENT_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** After creation, because the process's umask takes bits away. */
    private void chmod(Path file) throws IOException {
        Files.setAttribute(file, "unix:mode", shared ? 0660 : 0600);
    }
}

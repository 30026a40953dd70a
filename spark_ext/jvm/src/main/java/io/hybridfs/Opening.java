package io.hybridfs;

import java.io.Closeable;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.UnresolvedLinkException;
import org.apache.hadoop.security.AccessControlException;

/**
 * One opening of one file: the NameNode tells which version there is, and whether this user may read it. Nobody reads
 * a version because he may read another one that the path names now.
 */
final class Opening implements Pin {
    private final Cache cache;
    private final Path path;
    private final String uri;
    private final Traffic traffic = new Traffic() {
        @Override
        void refused(AccessControlException e) {
            explained(e);
        }

        @Override
        void changed() {
            forget();
        }
    };
    private final AtomicBoolean toldRefused = new AtomicBoolean();
    /** The version that the caller named, or null. */
    private final FileStatus brought;

    /** {@code brought}: the status that the caller has, or null; if it can be one, it is the version to be read. */
    Opening(Cache cache, Path path, FileStatus brought) {
        this.cache = cache;
        this.path = path;
        this.uri = cache.canonical(path);
        this.brought = brought != null && Admission.isVersion(brought) ? brought : null;
    }

    /** What an opening comes to: a reader of a version, or the stream of a file that is passed through. */
    private static final class Opened implements Closeable {
        final VersionReader reader;
        final FSDataInputStream plain;

        Opened(VersionReader reader, FSDataInputStream plain) {
            this.reader = reader;
            this.plain = plain;
        }

        @Override
        public void close() throws IOException {
            if (plain != null) {
                plain.close();
            }
        }
    }

    /** {@code splitEnd}: where the caller's share of the file ends, beyond which it is not read ahead. */
    FSDataInputStream stream(long splitEnd) throws IOException {
        Stats.count(Stats.Counter.OPENS);
        Opened opened;
        try {
            opened = open();
        } catch (AccessControlException e) {
            throw explained(e);
        } catch (FileNotFoundException | FileChangedException e) {
            forget();
            throw e;
        } catch (IOException e) {
            boolean hasCache = cache.options.enabled && Failures.unanswered(e);
            throw hasCache ? Failures.saying(e, Failures.UNREACHABLE) : Failures.explained(e, cache.realm);
        }
        cache.auditOpen(path, true);
        return opened.plain != null ? opened.plain
            : new FSDataInputStream(Streams.over(opened.reader, this, cache.options.readahead, splitEnd));
    }

    @Override
    public VersionReader again() throws IOException {
        if (brought != null) {
            return null;
        }
        // Whoever may read what the path named before need not be allowed what it names now.
        try (Opened present = openPresent()) {
            return present.reader;
        } catch (AccessControlException e) {
            throw explained(e);
        }
    }

    /** Whoever was told of the file by a listing that is kept is to see the truth when he tries again. */
    private void forget() {
        cache.listings.entries.drop(path.toUri().getPath());
        if (!path.isRoot()) {
            cache.listings.entries.drop(path.getParent().toUri().getPath());
        }
    }

    /** Counts and tells a refusal, of one opening once. */
    private IOException explained(AccessControlException e) {
        IOException explained = Failures.explained(e, cache.realm);
        boolean refused = explained == e; // else it is Kerberos that does not work
        if (refused && toldRefused.compareAndSet(false, true)) {
            Stats.miss(Miss.DENIED);
            cache.auditOpen(path, false);
        }
        return explained;
    }

    @Override
    public void closed() {
        cache.auditClose(path, traffic);
    }

    private Opened open() throws IOException {
        // Who gives the key of a file that is being fetched must not wait for another fetch.
        Miss refused = Workers.isFetching() ? Miss.DISABLED : cache.refusal(path);
        if (refused != null) {
            return passedThrough(cache.hdfs.openOrigin(path), refused);
        }
        try {
            return brought == null ? openPresent() : openTold(brought, null);
        } catch (UnresolvedLinkException link) {
            return passedThrough(cache.hdfs.openOrigin(path), Miss.UNVERSIONED);
        }
    }

    private static Opened passedThrough(FSDataInputStream plain, Miss why) throws IOException {
        if (why == Miss.DISABLED || !Permission.isEmpty(plain)) {
            Stats.miss(why);
        }
        return new Opened(null, plain);
    }

    /**
     * Permission and version are asked for side by side, unless the one is known or comes later: the permission by the
     * caller's own thread, because a key may be asked for then, and whoever gives it may open files of ours.
     */
    private Opened openPresent() throws IOException {
        FileVersion granted = cache.grants.latest(uri);
        if (granted == null && !cache.options.authorizeAtFill) {
            long asked = System.nanoTime();
            CompletableFuture<LocatedFile> present = locating();
            Proven likely = Proven.latest(uri);
            boolean blocks = likely != null && !likely.version.plaintext && cache.has(likely.version);
            return orClose(ask(blocks), may -> {
                LocatedFile now = Workers.await(present);
                return settle(now.status, may, now, asked);
            });
        }
        FileStatus status;
        long asked = System.nanoTime();
        try {
            status = cache.hdfs.statusAtOrigin(path);
        } catch (IOException e) {
            // It was granted when it was asked for, however long it took to learn that nobody answers.
            if (granted != null && Failures.unanswered(e)) {
                return reopened(granted);
            }
            throw e;
        }
        return openTold(status, asked);
    }

    /**
     * Of the version that {@code status} tells. {@code answered}: System.nanoTime() before it was asked for, null if
     * the caller brought it.
     */
    private Opened openTold(FileStatus status, Long answered) throws IOException {
        FileVersion version = cache.version(path, status);
        Miss refused = cache.refusal(status);
        FileVersion granted = refused == null ? cache.grants.held(version) : null;
        if (granted != null) {
            return reopened(granted);
        }
        if (refused == null && cache.options.authorizeAtFill && cache.has(version)) {
            if (answered != null) {
                cache.grants.given(version, answered);
            }
            return new Opened(cache.reader(path, version, null, traffic), null);
        }
        boolean blocks = refused == null && !version.plaintext && cache.has(version);
        long asked = System.nanoTime();
        CompletableFuture<LocatedFile> present = refused != null || Proven.of(version) != null ? null : locating();
        return orClose(ask(blocks),
            may -> settle(status, may, present == null ? null : Workers.await(present), asked));
    }

    private CompletableFuture<LocatedFile> locating() {
        return Workers.ask(() -> cache.hdfs.locatedAtOrigin(path));
    }

    /**
     * {@code blocks}: whether the blocks will do, because the cache has the file. What forbids or fails this says more
     * than what fails the question for the version.
     */
    private Permission ask(boolean blocks) throws IOException {
        return blocks ? Permission.byBlocks(cache.hdfs, path) : Permission.byOpening(cache.hdfs, path);
    }

    private interface Next {
        Opened with(Permission may) throws IOException;
    }

    /** What follows on a permission, whose stream nobody else would close if that fails. */
    private static Opened orClose(Permission may, Next next) throws IOException {
        try {
            return next.with(may);
        } catch (IOException | RuntimeException e) {
            may.close();
            throw e;
        }
    }

    /**
     * Serves the version that {@code status} tells, if {@code may} is of what that version holds: neither answer tells
     * whether it was given before a change of the file or after it. {@code present}: null if not asked for yet;
     * {@code asked}: System.nanoTime() before {@code may} was.
     */
    private Opened settle(FileStatus status, Permission may, LocatedFile present, long asked) throws IOException {
        FileVersion version = cache.version(path, status);
        Miss refused = cache.refusal(status);
        Miss seen = refused == null || refused == Miss.TOO_LARGE ? disagreement(may, version) : null;
        if (refused != null) {
            return passedThrough(may, seen == null ? refused : seen);
        }
        if (may.isEncrypted() && seen == null) {
            if (may.stream == null) { // only opening the file asks for its key
                return orClose(Permission.byOpening(cache.hdfs, path),
                    opened -> settle(status, opened, present, asked));
            }
            version = cache.decrypted(version);
        }
        Proven known = seen == null ? Proven.of(version) : null;
        if (known != null && may.isOf(known.content)) {
            return granted(known, version, may, asked);
        }
        LocatedFile now = present == null ? cache.hdfs.locatedAtOrigin(path) : present;
        if (!version.matches(now.status)) {
            return brought != null && isLater(now.status) ? passedThrough(may, Miss.UNVERSIONED) : changed(may);
        }
        if (seen != null || now.underConstruction) {
            return passedThrough(may, seen == null ? Miss.UNDER_CONSTRUCTION : seen);
        }
        version = version.with(now.status);
        if (!may.isOf(now.content) || !Proven.remember(version, now.content)) {
            return changed(may);
        }
        return granted(Proven.of(version), version, may, asked);
    }

    /** What the permission shows of the file that its status does not. */
    private Miss disagreement(Permission may, FileVersion version) throws IOException {
        if (may.isEncrypted() && !cache.keepsPlaintext()) {
            return Miss.ENCRYPTED;
        }
        return may.isBeingWritten(version.length) ? Miss.UNDER_CONSTRUCTION : null;
    }

    private Opened granted(Proven proven, FileVersion version, Permission may, long asked) {
        FileVersion known = proven == null ? version : version.with(proven.version.validator);
        cache.grants.given(known, asked);
        return new Opened(cache.reader(path, known, may.stream, traffic), null);
    }

    /** By an earlier grant; the origin is opened when it is needed. */
    private Opened reopened(FileVersion granted) {
        Stats.count(Stats.Counter.GRANTS_REUSED);
        return new Opened(cache.reader(path, granted, null, traffic), null);
    }

    /**
     * Whether {@code now} is of the very file that the caller brought, and it only grew or got another time: a listing
     * may be a little old, and HDFS itself would serve it.
     */
    private boolean isLater(FileStatus now) {
        return now.isFile() && now.getLen() >= brought.getLen() && FileVersion.isSameFile(brought, now);
    }

    /** Of who named a version nothing else is delivered; who named none gets what HDFS gives. */
    private Opened changed(Permission may) throws IOException {
        if (brought != null) {
            Stats.count(Stats.Counter.VERSION_CHANGED);
            throw new FileChangedException(uri, null);
        }
        return passedThrough(may, Miss.UNVERSIONED);
    }

    private Opened passedThrough(Permission may, Miss why) throws IOException {
        return passedThrough(may.stream == null ? cache.hdfs.openOrigin(path) : may.stream, why);
    }
}

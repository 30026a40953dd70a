package io.hybridfs;

import java.io.FileNotFoundException;
import java.util.function.BooleanSupplier;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;

/** What one file system knows of directories without asking the NameNode. */
final class Listings {
    final Entries entries;
    private final String authority;
    /** What holds while the root can be used. */
    private final Mode wanted;
    private final BooleanSupplier usable;

    /** The option of that name. */
    enum Mode { ORIGIN, VALIDATED, BOUNDED }

    /** {@code usable}: whether the root can be used now. */
    Listings(String authority, Entries entries, Options options, BooleanSupplier usable) {
        this.authority = authority;
        this.entries = entries;
        this.usable = usable;
        boolean possible = LocatedFile.AT_ONCE && options.enabled && options.freshnessMillis > 0;
        this.wanted = possible ? options.listings : Mode.ORIGIN;
    }

    /** How the directory of a path, absolute and decoded, may be listed now. */
    Mode mode(String path) {
        return wanted == Mode.ORIGIN || isVirtual(path) || !usable.getAsBoolean() ? Mode.ORIGIN : wanted;
    }

    /** What no parent lists: snapshots, and paths by number. */
    private static boolean isVirtual(String path) {
        return path.startsWith("/.reserved") || path.contains("/.snapshot");
    }

    /** The canonical uri of a path. */
    String uri(String path) {
        return CanonicalUri.file(authority, path);
    }

    /**
     * The answer of the mode {@code bounded} to a listing of a path, which may be that there is no such path; null when
     * the NameNode is to be asked.
     */
    Listing bounded(String path) {
        return mode(path) == Mode.BOUNDED ? entries.find(path) : null;
    }

    /**
     * The answer of the mode {@code bounded} to {@code getFileStatus}; null when the NameNode is to be asked. Throws
     * FileNotFoundException as HDFS does, of the absolute path {@code asked}; {@code path}: the same, qualified.
     */
    FileStatus status(Path asked, Path path) throws FileNotFoundException {
        String plain = CanonicalUri.path(path.toUri().getPath());
        if (path.isRoot() || mode(plain) != Mode.BOUNDED) {
            return null;
        }
        HdfsFileStatus child = null;
        Listing parent = entries.find(path.getParent().toUri().getPath());
        Listing own = parent == null ? entries.find(plain) : null;
        if (parent != null) {
            child = parent.itself(path.getName());
        } else if (own == null || !own.isAbsent()) {
            return null;
        }
        Stats.count(Stats.Counter.STATUSES_REUSED);
        if (child == null) {
            throw new FileNotFoundException("File does not exist: " + asked);
        }
        return child.makeQualified(path.toUri(), path);
    }

    /** Notes that the NameNode knows no such path, asked for at these times. */
    void absent(Path path, long askedNanos, long askedMillis) {
        String plain = CanonicalUri.path(path.toUri().getPath());
        if (mode(plain) == Mode.BOUNDED) {
            entries.keep(Listing.absent(plain, askedNanos, askedMillis));
        }
    }

    /**
     * Counts and explains an answer to a caller, in a mode. {@code askedNanos}: when the NameNode was asked for it;
     * {@code rpcs}: what this listing itself took, counted by whoever asked; {@code rpcsPlain}: what plain HDFS would
     * have taken.
     */
    void answered(Mode mode, String path, Explain.Source source, long askedNanos, int rpcs, int rpcsPlain) {
        Stats.count(Stats.Counter.LISTINGS);
        Stats.add(Stats.Counter.LISTING_RPCS_PLAIN, rpcsPlain);
        if (source == Explain.Source.ENTRY) {
            Stats.count(Stats.Counter.LISTINGS_REUSED);
        }
        Explain.answered(uri(path), mode, source, askedNanos, rpcs, rpcsPlain);
    }
}

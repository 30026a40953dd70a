package io.hybridfs;

import java.io.IOException;
import java.net.URI;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.impl.OpenFileParameters;
import org.apache.hadoop.hdfs.DFSInputStream;
import org.apache.hadoop.hdfs.client.HdfsDataInputStream;
import org.apache.hadoop.hdfs.protocol.LocatedBlocks;
import org.apache.hadoop.security.AccessControlException;
import org.apache.hadoop.security.UserGroupInformation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * HDFS, with file data from the local cache. As {@code fs.hdfs.impl} it stands for {@code hdfs://}; as
 * {@code fs.hybridfs.impl} it serves {@code hybridfs://} with the same authority. It extends HDFS's own class because
 * Hive, HBase and Spark cast to that.
 */
public class HybridFileSystem extends MutatingFileSystem implements HdfsOrigin.Client {
    /** Hadoop's name of it, spelled out because older ones have no constant. */
    private static final String SPLIT_END = "fs.option.openfile.split.end";

    private static final Logger LOG = LoggerFactory.getLogger(HybridFileSystem.class);

    private final AtomicBoolean warned = new AtomicBoolean();
    private URI uri;
    private Options options;
    private volatile Store store;
    private Admission admission;
    private Grants grants;
    private String authority;
    private String domain;

    @Override
    public void initialize(URI name, Configuration conf) throws IOException {
        // Before super.initialize, which asks for both.
        uri = URI.create(name.getScheme() + "://" + name.getAuthority());
        options = new Options(conf);
        super.initialize(URI.create("hdfs://" + name.getAuthority()), conf);
        authority = CanonicalUri.authority(conf, name);
        domain = CanonicalUri.domain("hdfs-" + authority);
        grants = new Grants(UserGroupInformation.getCurrentUser().getUserName(), options.freshnessMillis);
        admission = new Admission(options);
        store = options.enabled ? Store.of(options) : null;
        Workers.fetchStreams(options.fetchStreams);
    }

    @Override
    public URI getUri() {
        return uri;
    }

    @Override
    public String getScheme() {
        return uri == null ? super.getScheme() : uri.getScheme();
    }

    // ---- opening

    @Override
    public FSDataInputStream open(Path f, int bufferSize) throws IOException {
        return open(f, bufferSize, null, Long.MAX_VALUE);
    }

    @Override
    protected CompletableFuture<FSDataInputStream> openFileWithOptions(Path f, OpenFileParameters parameters)
        throws IOException {
        if (!parameters.getMandatoryKeys().isEmpty()) {
            // Whether those are known is for this Hadoop to say.
            return super.openFileWithOptions(f, parameters);
        }
        CompletableFuture<FSDataInputStream> opened = new CompletableFuture<>();
        try {
            opened.complete(open(f, parameters.getBufferSize(), parameters.getStatus(),
                parameters.getOptions().getLong(SPLIT_END, Long.MAX_VALUE)));
        } catch (IOException | RuntimeException e) {
            opened.completeExceptionally(e);
        }
        return opened;
    }

    /**
     * {@code brought}: the status that the caller has, or null; if it can be one, it is the version to be read.
     * {@code splitEnd}: where the caller's share of the file ends, beyond which it is not read ahead.
     */
    private FSDataInputStream open(Path f, int bufferSize, FileStatus brought, long splitEnd) throws IOException {
        Stats.count(Stats.Counter.OPENS);
        Path path = makeQualified(f);
        try {
            Miss refused = refusal(path);
            if (refused != null) {
                return passedThrough(super.open(f, bufferSize), refused);
            }
            return brought != null && Admission.isVersion(brought) ? openBrought(path, brought, splitEnd)
                : openPresent(path, splitEnd);
        } catch (AccessControlException e) {
            Stats.miss(Miss.DENIED);
            throw e;
        }
    }

    /** Why a file is passed through whatever the origin tells of it; null if it is not. */
    private Miss refusal(Path path) {
        if (!options.enabled) {
            return Miss.DISABLED;
        }
        if (store == null) {
            store = storeByNow();
        }
        if (store != null && store.isDisabled()) {
            return Miss.DISABLED;
        }
        Miss refused = admission.refuses(CanonicalUri.path(path.toUri().getPath()));
        return refused == null && store == null ? Miss.TIER_OFF : refused;
    }

    /** Of a root that could not be used before; null if it still cannot be. */
    private Store storeByNow() {
        try {
            return Store.of(options);
        } catch (IllegalArgumentException otherBlockSize) {
            // Only who sets a file system up is told of wrong options: readers go on.
            Stats.count(Stats.Counter.TIER_FAULTS);
            if (warned.compareAndSet(false, true)) {
                LOG.warn("hybridfs: {}. Reads go on from the origin.", otherBlockSize.getMessage());
            }
            return null;
        }
    }

    private static FSDataInputStream passedThrough(FSDataInputStream plain, Miss why) throws IOException {
        if (why == Miss.DISABLED || !isEmpty(plain)) {
            Stats.miss(why);
        }
        return plain;
    }

    /** Permission and version are asked for side by side, unless the one is known. */
    private FSDataInputStream openPresent(Path path, long splitEnd) throws IOException {
        long asked = System.nanoTime();
        boolean granted = grants.holdsAny(canonical(path));
        CompletableFuture<FSDataInputStream> opening = granted ? null : Workers.ask(() -> openOrigin(path));
        FileStatus status;
        try {
            status = statusAtOrigin(path);
        } catch (IOException | RuntimeException e) {
            return closeAndThrow(opening, e);
        }
        FileVersion version = version(path, status);
        Miss refused = admission.refuses(status);
        if (granted && refused == null && grants.holds(version)) {
            return reopened(path, version, false, splitEnd);
        }
        FSDataInputStream plain = opening == null ? openOrigin(path) : Workers.await(opening);
        return orClose(plain, () -> {
            Miss why = stronger(refused, plain, status);
            return why == null ? opened(path, version, plain, asked, false, splitEnd)
                : passedThrough(plain, why);
        });
    }

    private FSDataInputStream openBrought(Path path, FileStatus brought, long splitEnd) throws IOException {
        FileVersion version = version(path, brought);
        Miss refused = admission.refuses(brought);
        if (refused == null && grants.holds(version)) {
            return reopened(path, version, true, splitEnd);
        }
        long asked = System.nanoTime();
        FSDataInputStream plain = openOrigin(path);
        return orClose(plain, () -> {
            Miss why = stronger(refused, plain, brought);
            return why == null || refused == null && !version.matches(statusAtOrigin(path))
                ? opened(path, version, plain, asked, true, splitEnd) : passedThrough(plain, why);
        });
    }

    /** What follows on the opening of {@code plain}, which nobody else would close if that fails. */
    private static FSDataInputStream orClose(FSDataInputStream plain, Action<FSDataInputStream> next)
        throws IOException {
        try {
            return next.run();
        } catch (IOException | RuntimeException e) {
            plain.close();
            throw e;
        }
    }

    /** {@code refused}, or what the open file shows, which comes before its size. */
    private static Miss stronger(Miss refused, FSDataInputStream plain, FileStatus status) throws IOException {
        Miss disagreed = refused == null || refused == Miss.TOO_LARGE ? disagreement(plain, status) : null;
        return disagreed == null ? refused : disagreed;
    }

    /** A file that is being written shows more than its status tells; an encrypted one is no plain HDFS stream. */
    private static Miss disagreement(FSDataInputStream plain, FileStatus status) throws IOException {
        if (!(plain instanceof HdfsDataInputStream && plain.getWrappedStream() instanceof DFSInputStream)) {
            return Miss.ENCRYPTED;
        }
        return ((HdfsDataInputStream) plain).getVisibleLength() == status.getLen() ? null : Miss.UNDER_CONSTRUCTION;
    }

    /** Of an empty file nothing is read from the origin. */
    private static boolean isEmpty(FSDataInputStream plain) throws IOException {
        return plain instanceof HdfsDataInputStream && ((HdfsDataInputStream) plain).getVisibleLength() == 0;
    }

    /**
     * A stream over {@code plain}, whose opening, asked for at {@code asked}, the NameNode granted. A file that is
     * being written gets no grant: that would hide what is flushed to it.
     */
    private FSDataInputStream opened(Path path, FileVersion version, FSDataInputStream plain, long asked,
                                     boolean brought, long splitEnd) {
        Runnable grant = () -> grants.given(version, asked);
        VersionReader reader = reader(path, version, plain, grant);
        if (reader.isCached()) {
            grant.run();
        }
        return stream(path, reader, brought, splitEnd);
    }

    /** A stream that an earlier grant allows; it opens the origin if it needs it. */
    private FSDataInputStream reopened(Path path, FileVersion version, boolean brought, long splitEnd) {
        Stats.count(Stats.Counter.GRANTS_REUSED);
        return stream(path, reader(path, version, null, () -> { }), brought, splitEnd);
    }

    private FSDataInputStream stream(Path path, VersionReader reader, boolean brought, long splitEnd) {
        HybridInputStream.Pin pin = () -> brought ? null : present(path);
        return new FSDataInputStream(Streams.over(reader, pin, options.readahead, splitEnd));
    }

    private VersionReader present(Path path) throws IOException {
        FileStatus status = statusAtOrigin(path);
        return admission.refuses(status) == null ? reader(path, version(path, status), null, () -> { }) : null;
    }

    private VersionReader reader(Path path, FileVersion version, FSDataInputStream opened, Runnable whenProven) {
        HdfsOrigin origin = new HdfsOrigin(this, path, version, opened, whenProven);
        return new VersionReader(store, version, origin, statistics, options);
    }

    private FileVersion version(Path path, FileStatus status) {
        return new FileVersion(domain, canonical(path), status.getModificationTime(), status.getLen(),
            FileVersion.fileId(status));
    }

    @Override
    String canonical(Path path) {
        return CanonicalUri.file(authority, makeQualified(path).toUri().getPath());
    }

    /** What forbids or fails the opening says more than what fails the status. */
    private static FSDataInputStream closeAndThrow(CompletableFuture<FSDataInputStream> opening, Exception e)
        throws IOException {
        if (opening != null) {
            Workers.await(opening).close();
        }
        if (e instanceof RuntimeException) {
            throw (RuntimeException) e;
        }
        throw (IOException) e;
    }

    // ---- plain HDFS, for the cache

    @Override
    public FSDataInputStream openOrigin(Path path) throws IOException {
        return super.open(path, 4096);
    }

    @Override
    public FileStatus statusAtOrigin(Path path) throws IOException {
        return super.getFileStatus(path);
    }

    @Override
    public LocatedBlocks blocksAtOrigin(Path path) throws IOException {
        return getClient().getLocatedBlocks(path.toUri().getPath(), 0, Long.MAX_VALUE);
    }
}

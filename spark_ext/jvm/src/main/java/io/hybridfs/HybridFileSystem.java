package io.hybridfs;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.security.PrivilegedExceptionAction;
import java.util.concurrent.CompletableFuture;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.PathFilter;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.fs.UnresolvedLinkException;
import org.apache.hadoop.fs.impl.OpenFileParameters;
import org.apache.hadoop.hdfs.protocol.LocatedBlocks;
import org.apache.hadoop.security.UserGroupInformation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * HDFS, with file data from the local cache. As {@code fs.hdfs.impl} it stands for {@code hdfs://}; as
 * {@code fs.hybridfs.impl} it serves {@code hybridfs://} with the same authority. It extends HDFS's own class because
 * Hive, HBase and Spark cast to that.
 */
public class HybridFileSystem extends MutatingFileSystem implements HdfsOrigin.Client {
    private static final Logger LOG = LoggerFactory.getLogger(HybridFileSystem.class);
    /** Hadoop's name of it, spelled out because older ones have no constant. */
    private static final String SPLIT_END = "fs.option.openfile.split.end";

    /** HDFS's name of how much of a file is located at once, in bytes; its constants have moved. */
    private static final String PREFETCH = "dfs.client.read.prefetch.size";

    /** HDFS's streams make no use of it. */
    private static final int BUFFER = 4096;

    private URI uri;
    private UserGroupInformation user;
    private Cache cache;
    /** Null where this Hadoop is too old for it. */
    private Lister lister;
    /** Then only plain HDFS answers, that it is. */
    private volatile boolean closed;

    @Override
    public void initialize(URI name, Configuration conf) throws IOException {
        // Before super.initialize, which asks for both.
        uri = URI.create(name.getScheme() + "://" + name.getAuthority());
        Options options = new Options(conf);
        super.initialize(URI.create("hdfs://" + name.getAuthority()), locatingAtOnce(conf));
        setConf(conf);
        user = UserGroupInformation.getCurrentUser();
        cache = new Cache(this, options, name, conf, user, statistics);
        lister = LocatedFile.AT_ONCE ? new Lister(uri, cache.listings, getClient(), statistics) : null;
        Workers.fetchStreams(options.fetchStreams);
    }

    /**
     * For HDFS's own client: it locates the first blocks of a file when it opens it, and the others when it needs them,
     * which may be those of a later content. All of one answer are of one.
     */
    private static Configuration locatingAtOnce(Configuration conf) {
        Configuration own = new Configuration(conf);
        own.setLong(PREFETCH, Long.MAX_VALUE >> 1); // it and a position are added up
        return own;
    }

    @Override
    public void close() throws IOException {
        closed = true;
        if (lister != null) {
            lister.close();
        }
        super.close();
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
        return new Opening(cache, makeQualified(f), null).stream(Long.MAX_VALUE);
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
            opened.complete(new Opening(cache, makeQualified(f), parameters.getStatus())
                .stream(parameters.getOptions().getLong(SPLIT_END, Long.MAX_VALUE)));
        } catch (IOException | RuntimeException e) {
            opened.completeExceptionally(e);
        }
        return opened;
    }

    @Override
    Listings listings() {
        return cache.listings;
    }

    // ---- what engines ask first, and where a Kerberos that does not work shows

    @Override
    public FileStatus getFileStatus(Path f) throws IOException {
        Stats.count(Stats.Counter.LISTING_RPCS_PLAIN);
        FileStatus known = closed ? null : bounded(f);
        if (known != null) {
            statistics.incrementReadOps(1);
            return known;
        }
        long askedNanos = System.nanoTime();
        long askedMillis = System.currentTimeMillis();
        Stats.count(Stats.Counter.LISTING_RPCS);
        try {
            return explained(() -> super.getFileStatus(f));
        } catch (FileNotFoundException e) {
            cache.listings.absent(makeQualified(f), askedNanos, askedMillis);
            throw e;
        }
    }

    private FileStatus bounded(Path f) throws FileNotFoundException {
        try {
            return cache.listings.status(fixRelativePart(f), makeQualified(f));
        } catch (RuntimeException | LinkageError forPlainHdfs) {
            LOG.debug("hybridfs: a fault of kept listings", forPlainHdfs);
            return null;
        }
    }

    @Override
    public FileStatus[] listStatus(Path f) throws IOException {
        return listed(f, () -> lister.list(f), () -> super.listStatus(f));
    }

    @Override
    protected RemoteIterator<LocatedFileStatus> listLocatedStatus(Path f, PathFilter filter) throws IOException {
        return listed(f, () -> lister.locate(f, filter), () -> super.listLocatedStatus(f, filter));
    }

    @Override
    public RemoteIterator<FileStatus> listStatusIterator(Path f) throws IOException {
        return listed(f, () -> lister.iterate(f), () -> super.listStatusIterator(f));
    }

    /** Whether the lister knows how to list it. */
    private boolean lists(Path f) {
        try {
            checkPath(f);
            return lister != null && !closed && lister.lists(f);
        } catch (IllegalArgumentException forPlainHdfsToTell) {
            return false;
        }
    }

    private <T> T listed(Path f, Action<T> ours, Action<T> plain) throws IOException {
        if (lists(f)) {
            try {
                return explained(ours);
            } catch (UnresolvedLinkException link) {
                LOG.debug("hybridfs: there is a link in {}", f);
            } catch (RuntimeException | LinkageError fault) {
                LOG.warn("hybridfs: {} is listed as plain HDFS lists it: {}", f, fault.toString());
                LOG.debug("hybridfs: a fault of listing", fault);
            }
        }
        return explained(plain);
    }

    private <T> T explained(Action<T> question) throws IOException {
        try {
            return question.run();
        } catch (IOException e) {
            throw Failures.explained(e, cache.realm);
        }
    }

    // ---- plain HDFS, for the cache

    /** As the user of this file system, whoever's thread it is: a KMS is asked as the user of the thread. */
    @Override
    public FSDataInputStream openOrigin(Path path) throws IOException {
        if (UserGroupInformation.getCurrentUser().equals(user)) {
            return super.open(path, BUFFER);
        }
        try {
            return user.doAs((PrivilegedExceptionAction<FSDataInputStream>) () -> super.open(path, BUFFER));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException("interrupted while opening " + path).initCause(e);
        }
    }

    @Override
    public FileStatus statusAtOrigin(Path path) throws IOException {
        return super.getFileStatus(path);
    }

    @Override
    public LocatedBlocks headAtOrigin(Path path) throws IOException {
        return getClient().getLocatedBlocks(path.toUri().getPath(), 0, 1);
    }

    @Override
    public LocatedFile locatedAtOrigin(Path path) throws IOException {
        return LocatedFile.ask(getClient(), this, path);
    }
}

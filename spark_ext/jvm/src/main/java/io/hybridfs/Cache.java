package io.hybridfs;

import java.net.URI;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.security.UserGroupInformation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What all openings of one file system share: its options, its user, its part of the store. */
final class Cache {
    private static final Logger LOG = LoggerFactory.getLogger(Cache.class);

    final HdfsOrigin.Client hdfs;
    final Options options;
    final Admission admission;
    final Grants grants;
    final Listings listings;
    /** Of the NameNode's principal; empty where it is not configured. */
    final String realm;
    private final Audit audit;
    private final String authority;
    private final String domain;
    private final String plaintextDomain;
    private final FileSystem.Statistics statistics;
    private final AtomicBoolean warnedOfBlockSize = new AtomicBoolean();
    private final AtomicBoolean warnedOfPlaintext = new AtomicBoolean();
    private volatile Store store;

    Cache(HdfsOrigin.Client hdfs, Options options, URI name, Configuration conf, UserGroupInformation user,
          FileSystem.Statistics statistics) {
        this.hdfs = hdfs;
        this.options = options;
        this.statistics = statistics;
        String shortName = shortName(options, user);
        authority = CanonicalUri.authority(conf, name);
        String shared = "hdfs-" + authority + (options.authorizeAtFill ? "@" + shortName : "");
        domain = CanonicalUri.domain(shared);
        plaintextDomain = CanonicalUri.domain(shared + "+plaintext");
        String principal = conf.getTrimmed("dfs.namenode.kerberos.principal", "");
        realm = principal.indexOf('@') < 0 ? "" : principal.substring(principal.indexOf('@') + 1);
        UserGroupInformation real = user.getRealUser() == null ? user : user.getRealUser();
        audit = new Audit(options.audit, shortName + " (auth:" + real.getAuthenticationMethod() + ")");
        // A process may have both values of authorize: what the one was granted without being asked is not the other's.
        grants = new Grants(user.getUserName() + " in " + shared, options.freshnessMillis);
        admission = new Admission(options);
        store = options.enabled ? Store.of(options) : null;
        Entries entries = new Entries(authority, "hdfs-" + authority + "@" + shortName, options.freshnessMillis,
            this::keepsListings);
        listings = new Listings(authority, entries, options, () -> usable() && !store.isDisabled());
        Explain.knows(name.getAuthority(), authority);
    }

    private Tier keepsListings() {
        return usable() ? store.listings() : null;
    }

    /** Whether there is a store, or is one by now. */
    private boolean usable() {
        if (store == null && options.enabled) {
            store = storeByNow();
        }
        return store != null;
    }

    /**
     * The option says whom a principal or a token stands for. A user who tells the NameNode a name himself, or for whom
     * another one tells it, is that one, and reads the blocks of no other.
     */
    private static String shortName(Options options, UserGroupInformation user) {
        boolean named = user.getRealUser() != null || !UserGroupInformation.isSecurityEnabled();
        if (!options.user.isEmpty() && !named) {
            return options.user;
        }
        String told = user.getShortUserName();
        if (options.authorizeAtFill && !options.user.isEmpty() && !options.user.equals(told)) {
            throw new IllegalArgumentException(Options.USER + " = '" + options.user + "', but this user is " + told
                + " to the NameNode: leave it out, or be " + options.user);
        }
        return told;
    }

    String canonical(Path qualified) {
        return CanonicalUri.file(authority, qualified.toUri().getPath());
    }

    /** Why a file is passed through whatever the origin tells of it; null if it is not. */
    Miss refusal(Path path) {
        if (!options.enabled) {
            return Miss.DISABLED;
        }
        if (usable() && store.isDisabled()) {
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
            if (warnedOfBlockSize.compareAndSet(false, true)) {
                LOG.warn("hybridfs: {}. Reads go on from the origin.", otherBlockSize.getMessage());
            }
            return null;
        }
    }

    /** Why a version is passed through; null if it is not. */
    Miss refusal(FileStatus status) {
        Miss refused = admission.refuses(status);
        return refused == Miss.ENCRYPTED && keepsPlaintext() ? admission.refusesSize(status) : refused;
    }

    /** Whether encrypted files are cached, which only their reader's own root may hold. */
    boolean keepsPlaintext() {
        boolean keeps = options.cacheEncrypted && store.modes().ownerOnly;
        if (options.cacheEncrypted && !keeps && warnedOfPlaintext.compareAndSet(false, true)) {
            LOG.warn("hybridfs: {} = true, but {} = {} is not private (mode 0700): files of encryption zones are read "
                + "from the origin.", Options.CACHE_ENCRYPTED, Options.CACHE_DIR, options.cacheDir);
        }
        return keeps;
    }

    FileVersion version(Path path, FileStatus status) {
        FileVersion version = new FileVersion(domain, canonical(path), status.getModificationTime(), status.getLen(),
            FileVersion.validator(status));
        return status.isEncrypted() ? decrypted(version) : version;
    }

    FileVersion decrypted(FileVersion version) {
        return version.decrypted(plaintextDomain);
    }

    /** Whether the version's head or foot is there. */
    boolean has(FileVersion version) {
        Layout layout = new Layout(version, store.blockSize);
        return store.contains(layout, 0) || store.contains(layout, (layout.length - 1) / layout.blockSize);
    }

    /** {@code opened}: the open file, or null: it is opened when it is needed. */
    VersionReader reader(Path path, FileVersion version, FSDataInputStream opened, Traffic traffic) {
        HdfsOrigin origin = new HdfsOrigin(hdfs, path, version, opened, traffic);
        return new VersionReader(store, version, origin, statistics, options, traffic);
    }

    void auditOpen(Path path, boolean allowed) {
        audit.opened(path.toUri().getPath(), allowed, modes());
    }

    void auditClose(Path path, Traffic traffic) {
        audit.closed(path.toUri().getPath(), traffic, modes());
    }

    private Modes modes() {
        Store known = store;
        return known == null ? Modes.ofNew() : known.modes();
    }
}

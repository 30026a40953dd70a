package io.hybridfs;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.security.NoSuchAlgorithmException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.crypto.key.KeyProvider;
import org.apache.hadoop.crypto.key.KeyProviderFactory;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.MiniDFSCluster;

/** One real HDFS for all tests of this JVM: a NameNode, two DataNodes. */
final class MiniHdfs {
    static final int BLOCK = 64 << 10;
    /** Of HDFS. Small, so that files of some MiB have many blocks, and more than a client locates at once. */
    static final int HDFS_BLOCK = 256 << 10;
    /** An encryption zone. */
    static final String ENCRYPTED = "/encrypted";
    private static MiniDFSCluster cluster;

    private MiniHdfs() {
    }

    static synchronized MiniDFSCluster cluster() {
        if (cluster == null) {
            try {
                Path base = Trees.fresh("hdfs");
                Configuration conf = new HdfsConfiguration();
                conf.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, base.toString());
                conf.setLong("dfs.blocksize", HDFS_BLOCK);
                conf.setLong("dfs.namenode.fs-limits.min-block-size", 1024);
                conf.setBoolean("dfs.namenode.acls.enabled", true);
                conf.set("hadoop.security.key.provider.path", "asked://file" + base + "/keys.jceks");
                conf.set("dfs.namenode.audit.loggers", NameNodeCalls.class.getName());
                conf.set("hadoop.proxyuser.service.hosts", "*");
                conf.set("hadoop.proxyuser.service.users", "*");
                makeKey(conf);
                cluster = new MiniDFSCluster.Builder(conf).numDataNodes(2).build();
                cluster.waitActive();
                makeZone();
                Runtime.getRuntime().addShutdownHook(new Thread(() -> cluster.shutdown(true)));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return cluster;
    }

    private static void makeKey(Configuration conf) throws IOException {
        try {
            KeyProvider keys = KeyProviderFactory.getProviders(conf).get(0);
            keys.createKey("key", new KeyProvider.Options(conf).setBitLength(128));
            keys.flush();
        } catch (NoSuchAlgorithmException e) {
            throw new IOException(e);
        }
    }

    private static void makeZone() throws IOException {
        DistributedFileSystem hdfs = cluster.getFileSystem();
        hdfs.mkdirs(new org.apache.hadoop.fs.Path(ENCRYPTED));
        hdfs.createEncryptionZone(new org.apache.hadoop.fs.Path(ENCRYPTED), "key");
    }

    /** A client configuration without the cache. */
    static Configuration plain() {
        Configuration conf = new Configuration(cluster().getConfiguration(0));
        conf.set("fs.defaultFS", cluster().getURI().toString());
        return conf;
    }

    /** A client configuration with the cache at {@code root}; {@code options}: more names and values, in turn. */
    static Configuration cached(Path root, String... options) {
        Configuration conf = plain();
        conf.set("fs.hdfs.impl", HybridFileSystem.class.getName());
        conf.set("fs.hybridfs.impl", HybridFileSystem.class.getName());
        conf.set(Options.CACHE_DIR, root.toString());
        conf.set(Options.BLOCK_SIZE, Integer.toString(BLOCK));
        conf.set(Options.FETCH_SIZE, "256KiB");
        conf.set(Options.READAHEAD, "1MiB");
        conf.set(Options.MIN_FREE, "0");
        for (int i = 0; i < options.length; i += 2) {
            conf.set(options[i], options[i + 1]);
        }
        return conf;
    }

    /** A client of its own, not Hadoop's shared one. */
    static FileSystem client(Configuration conf) throws IOException {
        return FileSystem.newInstance(cluster().getURI(), conf);
    }

    static void write(FileSystem fs, String path, byte[] data) throws IOException {
        try (OutputStream out = fs.create(new org.apache.hadoop.fs.Path(path), true)) {
            out.write(data);
        }
    }

    static byte[] read(FileSystem fs, String path) throws IOException {
        try (InputStream in = fs.open(new org.apache.hadoop.fs.Path(path))) {
            return toEnd(in);
        }
    }

    static byte[] toEnd(InputStream in) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] buffer = new byte[10_000];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            all.write(buffer, 0, n);
        }
        return all.toByteArray();
    }
}

package io.hybridfs;

import java.io.IOException;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.contract.AbstractFSContract;

/** The real HDFS of these tests, seen by Hadoop's contract suites: through the cache or without it. */
final class HdfsContract extends AbstractFSContract {
    private static java.nio.file.Path root;
    private final String scheme;
    private FileSystem fs;

    private HdfsContract(Configuration conf, String scheme) {
        super(conf);
        this.scheme = scheme;
        addConfResource("contract/hybridfs-hdfs.xml");
    }

    static HdfsContract plain() {
        return new HdfsContract(MiniHdfs.plain(), "hdfs");
    }

    /** {@code scheme}: hdfs, where the jar stands in for HDFS's class, or hybridfs. */
    static HdfsContract cached(String scheme) {
        return new HdfsContract(MiniHdfs.cached(root()), scheme);
    }

    private static synchronized java.nio.file.Path root() {
        if (root == null) {
            root = Trees.fresh("contract");
        }
        return root;
    }

    @Override
    public void init() throws IOException {
        URI uri = URI.create(scheme + "://" + MiniHdfs.cluster().getURI().getAuthority());
        fs = FileSystem.get(uri, getConf());
    }

    @Override
    public FileSystem getTestFileSystem() {
        return fs;
    }

    @Override
    public String getScheme() {
        return scheme;
    }

    @Override
    public Path getTestPath() {
        return new Path("/contract");
    }
}

package io.hybridfs;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.EnumSet;
import java.util.List;
import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Options.ChecksumOpt;
import org.apache.hadoop.fs.Options.Rename;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.XAttrSetFlag;
import org.apache.hadoop.fs.permission.AclEntry;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.client.HdfsDataOutputStream;
import org.apache.hadoop.util.Progressable;

/** HDFS whose own mutations are passed through, and which no grant outlives. */
public abstract class MutatingFileSystem extends DistributedFileSystem {
    /** The one name of a file, as grants know it. */
    abstract String canonical(Path path);

    private <T> T mutate(Action<T> mutation, Path... paths) throws IOException {
        try {
            return mutation.run();
        } finally {
            drop(paths);
        }
    }

    /** A mutation that answers nothing. */
    private interface Change {
        void run() throws IOException;
    }

    private void change(Change change, Path... paths) throws IOException {
        mutate(() -> {
            change.run();
            return null;
        }, paths);
    }

    private void drop(Path... paths) {
        for (Path path : paths) {
            Grants.drop(canonical(path));
        }
    }

    @Override
    public FSDataOutputStream create(Path f, FsPermission permission, EnumSet<CreateFlag> flags, int bufferSize,
                                     short replication, long blockSize, Progressable progress, ChecksumOpt checksum)
        throws IOException {
        return mutate(() -> super.create(f, permission, flags, bufferSize, replication, blockSize, progress, checksum),
            f);
    }

    @Override
    public HdfsDataOutputStream create(Path f, FsPermission permission, boolean overwrite, int bufferSize,
                                       short replication, long blockSize, Progressable progress,
                                       InetSocketAddress[] favoredNodes) throws IOException {
        return mutate(() -> super.create(f, permission, overwrite, bufferSize, replication, blockSize, progress,
            favoredNodes), f);
    }

    @Override
    public FSDataOutputStream createNonRecursive(Path f, FsPermission permission, EnumSet<CreateFlag> flags,
                                                 int bufferSize, short replication, long blockSize,
                                                 Progressable progress) throws IOException {
        return mutate(() -> super.createNonRecursive(f, permission, flags, bufferSize, replication, blockSize,
            progress), f);
    }

    @Override
    public FSDataOutputStream append(Path f, EnumSet<CreateFlag> flags, int bufferSize, Progressable progress)
        throws IOException {
        return mutate(() -> super.append(f, flags, bufferSize, progress), f);
    }

    @Override
    public FSDataOutputStream append(Path f, EnumSet<CreateFlag> flags, int bufferSize, Progressable progress,
                                     InetSocketAddress[] favoredNodes) throws IOException {
        return mutate(() -> super.append(f, flags, bufferSize, progress, favoredNodes), f);
    }

    @Override
    public void concat(Path target, Path[] sources) throws IOException {
        try {
            change(() -> super.concat(target, sources), target);
        } finally {
            drop(sources);
        }
    }

    @Override
    public boolean rename(Path from, Path to) throws IOException {
        return mutate(() -> super.rename(from, to), from, to);
    }

    @Override
    public void rename(Path from, Path to, Rename... how) throws IOException {
        change(() -> super.rename(from, to, how), from, to);
    }

    @Override
    public boolean truncate(Path f, long length) throws IOException {
        return mutate(() -> super.truncate(f, length), f);
    }

    @Override
    public boolean delete(Path f, boolean recursive) throws IOException {
        return mutate(() -> super.delete(f, recursive), f);
    }

    @Override
    public void setTimes(Path f, long modified, long accessed) throws IOException {
        change(() -> super.setTimes(f, modified, accessed), f);
    }

    @Override
    public void setPermission(Path f, FsPermission permission) throws IOException {
        change(() -> super.setPermission(f, permission), f);
    }

    @Override
    public void setOwner(Path f, String user, String group) throws IOException {
        change(() -> super.setOwner(f, user, group), f);
    }

    @Override
    public void setAcl(Path f, List<AclEntry> entries) throws IOException {
        change(() -> super.setAcl(f, entries), f);
    }

    @Override
    public void modifyAclEntries(Path f, List<AclEntry> entries) throws IOException {
        change(() -> super.modifyAclEntries(f, entries), f);
    }

    @Override
    public void removeAclEntries(Path f, List<AclEntry> entries) throws IOException {
        change(() -> super.removeAclEntries(f, entries), f);
    }

    @Override
    public void removeDefaultAcl(Path f) throws IOException {
        change(() -> super.removeDefaultAcl(f), f);
    }

    @Override
    public void removeAcl(Path f) throws IOException {
        change(() -> super.removeAcl(f), f);
    }

    @Override
    public void setStoragePolicy(Path f, String policy) throws IOException {
        change(() -> super.setStoragePolicy(f, policy), f);
    }

    @Override
    public void unsetStoragePolicy(Path f) throws IOException {
        change(() -> super.unsetStoragePolicy(f), f);
    }

    @Override
    public void satisfyStoragePolicy(Path f) throws IOException {
        change(() -> super.satisfyStoragePolicy(f), f);
    }

    @Override
    public void setXAttr(Path f, String name, byte[] value, EnumSet<XAttrSetFlag> flags) throws IOException {
        change(() -> super.setXAttr(f, name, value, flags), f);
    }

    @Override
    public void removeXAttr(Path f, String name) throws IOException {
        change(() -> super.removeXAttr(f, name), f);
    }

    @Override
    public boolean recoverLease(Path f) throws IOException {
        return mutate(() -> super.recoverLease(f), f);
    }
}

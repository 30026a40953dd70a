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

/** HDFS whose own mutations are passed through, and which no grant and no listing outlives. */
public abstract class MutatingFileSystem extends DistributedFileSystem {
    /** What this file system knows of directories. */
    abstract Listings listings();

    private Mutation change(Path path) {
        return new Mutation(listings(), plain(path), false);
    }

    /** Of a path that is made with what is missing above it. */
    private Mutation making(Path path) {
        return new Mutation(listings(), plain(path), true);
    }

    private String plain(Path path) {
        return makeQualified(path).toUri().getPath();
    }

    private <T> T mutate(Action<T> mutation, Path path) throws IOException {
        try (Mutation change = change(path)) {
            return mutation.run();
        }
    }

    /** A mutation that answers nothing. */
    private interface Change {
        void run() throws IOException;
    }

    private void change(Change change, Path path) throws IOException {
        try (Mutation begun = change(path)) {
            change.run();
        }
    }

    /** Begins to write a file, until its stream is closed. */
    private FSDataOutputStream write(Action<? extends FSDataOutputStream> opening, Path path, boolean makesParents)
        throws IOException {
        try (Mutation change = makesParents ? making(path) : change(path)) {
            return WrittenStream.over(opening.run(), statistics, () -> change(path));
        }
    }

    @Override
    public FSDataOutputStream create(Path f, FsPermission permission, EnumSet<CreateFlag> flags, int bufferSize,
                                     short replication, long blockSize, Progressable progress, ChecksumOpt checksum)
        throws IOException {
        return write(() -> super.create(f, permission, flags, bufferSize, replication, blockSize, progress, checksum),
            f, true);
    }

    @Override
    public HdfsDataOutputStream create(Path f, FsPermission permission, boolean overwrite, int bufferSize,
                                       short replication, long blockSize, Progressable progress,
                                       InetSocketAddress[] favoredNodes) throws IOException {
        return (HdfsDataOutputStream) write(() -> super.create(f, permission, overwrite, bufferSize, replication,
            blockSize, progress, favoredNodes), f, true);
    }

    @Override
    protected HdfsDataOutputStream primitiveCreate(Path f, FsPermission permission, EnumSet<CreateFlag> flags,
                                                   int bufferSize, short replication, long blockSize,
                                                   Progressable progress, ChecksumOpt checksum) throws IOException {
        return (HdfsDataOutputStream) write(() -> super.primitiveCreate(f, permission, flags, bufferSize, replication,
            blockSize, progress, checksum), f, true);
    }

    @Override
    public FSDataOutputStream createNonRecursive(Path f, FsPermission permission, EnumSet<CreateFlag> flags,
                                                 int bufferSize, short replication, long blockSize,
                                                 Progressable progress) throws IOException {
        return write(() -> super.createNonRecursive(f, permission, flags, bufferSize, replication, blockSize,
            progress), f, false);
    }

    /** Asked for by who is about to create a file, also by HDFS's builders, which create it past this class. */
    @Override
    public short getDefaultReplication(Path f) {
        Mutation.expect(listings(), plain(f));
        return super.getDefaultReplication(f);
    }

    @Override
    public FSDataOutputStream append(Path f, EnumSet<CreateFlag> flags, int bufferSize, Progressable progress)
        throws IOException {
        return write(() -> super.append(f, flags, bufferSize, progress), f, false);
    }

    @Override
    public FSDataOutputStream append(Path f, EnumSet<CreateFlag> flags, int bufferSize, Progressable progress,
                                     InetSocketAddress[] favoredNodes) throws IOException {
        return write(() -> super.append(f, flags, bufferSize, progress, favoredNodes), f, false);
    }

    @Override
    public void concat(Path target, Path[] sources) throws IOException {
        concat(() -> super.concat(target, sources), target, sources, 0);
    }

    private void concat(Change concat, Path target, Path[] sources, int from) throws IOException {
        if (from == sources.length) {
            change(concat, target);
        } else {
            change(() -> concat(concat, target, sources, from + 1), sources[from]);
        }
    }

    @Override
    public boolean rename(Path from, Path to) throws IOException {
        return mutate(() -> mutate(() -> super.rename(from, to), to), from);
    }

    @Override
    public void rename(Path from, Path to, Rename... how) throws IOException {
        change(() -> change(() -> super.rename(from, to, how), to), from);
    }

    @Override
    public boolean mkdir(Path f, FsPermission permission) throws IOException {
        return mutate(() -> super.mkdir(f, permission), f);
    }

    @Override
    public boolean mkdirs(Path f, FsPermission permission) throws IOException {
        try (Mutation change = making(f)) {
            return super.mkdirs(f, permission);
        }
    }

    @Override
    protected boolean primitiveMkdir(Path f, FsPermission permission) throws IOException {
        return mutate(() -> super.primitiveMkdir(f, permission), f);
    }

    @Override
    public void createSymlink(Path target, Path link, boolean createParent) throws IOException {
        try (Mutation change = making(link)) {
            super.createSymlink(target, link, createParent);
        }
    }

    @Override
    public boolean setReplication(Path f, short replication) throws IOException {
        return mutate(() -> super.setReplication(f, replication), f);
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
    public void setErasureCodingPolicy(Path f, String policy) throws IOException {
        change(() -> super.setErasureCodingPolicy(f, policy), f);
    }

    @Override
    public void unsetErasureCodingPolicy(Path f) throws IOException {
        change(() -> super.unsetErasureCodingPolicy(f), f);
    }

    @Override
    public void allowSnapshot(Path f) throws IOException {
        change(() -> super.allowSnapshot(f), f);
    }

    @Override
    public void disallowSnapshot(Path f) throws IOException {
        change(() -> super.disallowSnapshot(f), f);
    }

    @Override
    public void createEncryptionZone(Path f, String key) throws IOException {
        change(() -> super.createEncryptionZone(f, key), f);
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

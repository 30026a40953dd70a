package io.hybridfs;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.protocol.DatanodeInfo;
import org.apache.hadoop.hdfs.protocol.ErasureCodingPolicy;
import org.apache.hadoop.hdfs.protocol.ExtendedBlock;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.apache.hadoop.hdfs.protocol.LocatedBlock;
import org.apache.hadoop.hdfs.protocol.LocatedBlocks;
import org.apache.hadoop.hdfs.protocol.SystemErasureCodingPolicies;

/** Statuses as FORMAT 10 writes them. Only where {@link LocatedFile#AT_ONCE}: older Hadoop has other statuses. */
final class Records {
    static final int LONGEST_NAME = 0xffff;
    /** A record's bytes besides the name. */
    static final int FIXED = 59;
    static final int DIRECTORY = 1;
    /** Where they stand, from the end of the name on. */
    private static final int KIND = 0;
    private static final int FLAGS = 1;
    private static final int PERMISSION = 2;
    private static final int FILE_ID = 4;
    private static final int LENGTH = 12;
    private static final int MODIFIED = 20;
    private static final int ACCESSED = 28;
    private static final int BLOCK_SIZE = 36;
    private static final int REPLICATION = 44;
    private static final int STORAGE_POLICY = 46;
    private static final int CHILDREN = 47;
    private static final int OWNER = 51;
    private static final int GROUP = 53;
    private static final int EC_POLICY = 55;
    private static final int ENCRYPTED = 2;
    /** HDFS has smaller blocks, and fewer of a file: whoever wrote other ones must not fill this process's memory. */
    private static final long LARGEST_BLOCK = 1L << 50;
    private static final int MOST_BLOCKS = 1 << 17;
    private static final HdfsFileStatus.Flags[] BITS = {HdfsFileStatus.Flags.HAS_ACL, HdfsFileStatus.Flags.HAS_CRYPT,
        HdfsFileStatus.Flags.HAS_EC, HdfsFileStatus.Flags.SNAPSHOT_ENABLED};

    private Records() {
    }

    static ByteBuffer open(byte[] records) {
        return ByteBuffer.wrap(records).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** False where a record would not tell all: a symbolic link, encrypted, or of a policy that is not HDFS's own. */
    static boolean tells(HdfsFileStatus status) {
        ErasureCodingPolicy policy = status.getErasureCodingPolicy();
        return !status.isSymlink() && !status.isEncrypted() && status.getFileEncryptionInfo() == null
            && (policy == null || policy.equals(SystemErasureCodingPolicies.getByName(policy.getName())));
    }

    /** Whether fileId and number of children are known. */
    static boolean isComplete(HdfsFileStatus status) {
        return status.getFileId() > 0 && status.getChildrenNum() >= 0;
    }

    /** {@code name}: in UTF-8. False, and nothing written, when it is too long or there are too many texts. */
    static boolean write(HdfsFileStatus status, byte[] name, Packer out, Texts texts) {
        ErasureCodingPolicy policy = status.getErasureCodingPolicy();
        int owner = texts.number(status.getOwner());
        int group = texts.number(status.getGroup());
        int coding = texts.number(policy == null ? null : policy.getName());
        if (owner < 0 || group < 0 || coding < 0 || name.length > LONGEST_NAME) {
            return false;
        }
        out.u16(name.length).bytes(name).u8(status.isDirectory() ? DIRECTORY : 0).u8(flags(status))
            .u16(status.getPermission().toShort()).u64(status.getFileId()).u64(status.getLen())
            .u64(status.getModificationTime()).u64(status.getAccessTime()).u64(status.getBlockSize())
            .u16(status.getReplication()).u8(status.getStoragePolicy()).u32(status.getChildrenNum())
            .u16(owner).u16(group).u16(coding);
        return true;
    }

    private static int flags(HdfsFileStatus status) {
        return (status.hasAcl() ? 1 : 0) | (status.isEncrypted() ? ENCRYPTED : 0) | (status.isErasureCoded() ? 4 : 0)
            | (status.isSnapshotEnabled() ? 8 : 0);
    }

    /** The record after the one at {@code at}. */
    static int next(ByteBuffer in, int at) {
        return at + FIXED + nameLength(in, at);
    }

    static int nameLength(ByteBuffer in, int at) {
        return in.getShort(at) & 0xffff;
    }

    static String name(ByteBuffer in, int at) {
        return new String(in.array(), at + 2, nameLength(in, at), StandardCharsets.UTF_8);
    }

    static boolean isDirectory(ByteBuffer in, int at) {
        return in.get(at + 2 + nameLength(in, at) + KIND) == DIRECTORY;
    }

    /** Whether a record that lies wholly in {@code in} means something. */
    static boolean isSound(ByteBuffer in, int at, int texts) {
        int body = at + 2 + nameLength(in, at);
        int kind = in.get(body + KIND);
        return kind >= 0 && kind <= DIRECTORY && isText(in, body + OWNER, texts) && isText(in, body + GROUP, texts)
            && isText(in, body + EC_POLICY, texts) && in.getLong(body + LENGTH) >= 0;
    }

    private static boolean isText(ByteBuffer in, int at, int texts) {
        int number = in.getShort(at) & 0xffff;
        return number == Texts.NONE || number < texts;
    }

    /** Whether this reader can make a status of it. */
    static boolean isKnown(ByteBuffer in, int at, String[] texts) {
        int body = at + 2 + nameLength(in, at);
        String policy = text(in, body + EC_POLICY, texts);
        return (in.get(body + FLAGS) & ENCRYPTED) == 0 && (policy == null || policy(policy) != null);
    }

    /** {@code located}: whether files get blocks, at their offsets and on no host; {@code nameless}: or by its name. */
    static HdfsFileStatus read(ByteBuffer in, int at, String[] texts, boolean located, boolean nameless) {
        int body = at + 2 + nameLength(in, at);
        ErasureCodingPolicy policy = policy(text(in, body + EC_POLICY, texts));
        long length = in.getLong(body + LENGTH);
        long blockSize = in.getLong(body + BLOCK_SIZE);
        boolean directory = in.get(body + KIND) == DIRECTORY;
        return new HdfsFileStatus.Builder().length(length).isdir(directory)
            .replication(in.getShort(body + REPLICATION) & 0xffff).blocksize(blockSize)
            .mtime(in.getLong(body + MODIFIED)).atime(in.getLong(body + ACCESSED))
            .perm(new FsPermission(in.getShort(body + PERMISSION))).flags(flags(in.get(body + FLAGS)))
            .owner(text(in, body + OWNER, texts)).group(text(in, body + GROUP, texts))
            .path(nameless ? HdfsFileStatus.EMPTY_NAME : Arrays.copyOfRange(in.array(), at + 2, body))
            .fileId(in.getLong(body + FILE_ID))
            .children(in.getInt(body + CHILDREN)).storagePolicy(in.get(body + STORAGE_POLICY)).ecPolicy(policy)
            .locations(located && !directory ? nowhere(length, blockSize, policy) : null).build();
    }

    private static String text(ByteBuffer in, int at, String[] texts) {
        int number = in.getShort(at) & 0xffff;
        return number == Texts.NONE ? null : texts[number];
    }

    private static ErasureCodingPolicy policy(String name) {
        return name == null ? null : SystemErasureCodingPolicies.getByName(name);
    }

    private static EnumSet<HdfsFileStatus.Flags> flags(int bits) {
        EnumSet<HdfsFileStatus.Flags> flags = EnumSet.noneOf(HdfsFileStatus.Flags.class);
        for (int i = 0; i < BITS.length; i++) {
            if ((bits >> i & 1) != 0) {
                flags.add(BITS[i]);
            }
        }
        return flags;
    }

    /** Blocks as they were written at one go; of a coded file one is a group, as HDFS tells it. */
    private static LocatedBlocks nowhere(long length, long blockSize, ErasureCodingPolicy policy) {
        long group = Math.min(LARGEST_BLOCK, Math.max(1, blockSize)) * (policy == null ? 1 : policy.getNumDataUnits());
        long size = Math.max(group, length / MOST_BLOCKS + 1);
        List<LocatedBlock> blocks = new ArrayList<>();
        for (long left = length; left > 0; left -= size) {
            ExtendedBlock block = new ExtendedBlock("", 0, Math.min(size, left), 0);
            blocks.add(new LocatedBlock(block, new DatanodeInfo[0], null, null, length - left, false, null));
        }
        LocatedBlock last = blocks.isEmpty() ? null : blocks.get(blocks.size() - 1);
        return new LocatedBlocks(length, false, blocks, last, true, null, policy);
    }
}

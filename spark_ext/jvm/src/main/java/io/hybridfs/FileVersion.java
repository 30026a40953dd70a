package io.hybridfs;

import java.nio.charset.StandardCharsets;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;

/** One version of one file of an origin (FORMAT 2). */
final class FileVersion {
    private static final int ID_BITS = 40;
    private static final long ID = (1L << ID_BITS) - 1;
    private static final long OWNER = (1L << 24) - 1;

    final String domain;
    final String uri;
    /** Milliseconds, > 0. */
    final long mtime;
    /** Bytes, > 0. */
    final long length;
    /** Tells files of one name, time and length apart (FORMAT 4); 0 = unknown. */
    final long validator;
    /** Whether it is the plaintext of an encrypted file, in a domain for such. */
    final boolean plaintext;

    FileVersion(String domain, String uri, long mtime, long length, long validator) {
        this(domain, uri, mtime, length, validator, false);
    }

    private FileVersion(String domain, String uri, long mtime, long length, long validator, boolean plaintext) {
        this.domain = domain;
        this.uri = uri;
        this.mtime = mtime;
        this.length = length;
        this.validator = validator;
        this.plaintext = plaintext;
    }

    /** With what {@code status}, of the same version, knows better. */
    FileVersion with(FileStatus status) {
        return with(validator(status));
    }

    FileVersion with(long known) {
        boolean better = (validator & ID) == 0 && (known & ID) != 0 || validator == 0 && known != 0;
        return better ? new FileVersion(domain, uri, mtime, length, known, plaintext) : this;
    }

    /** The version as plaintext, in a domain for such. */
    FileVersion decrypted(String plaintextDomain) {
        return new FileVersion(plaintextDomain, uri, mtime, length, validator, true);
    }

    /** Whether {@code status} may be this version: whatever both know is equal. */
    boolean matches(FileStatus status) {
        return status.isFile() && status.getModificationTime() == mtime && status.getLen() == length
            && agree(validator, validator(status));
    }

    /** Whether both may be the same version of the same file, in whichever domain: whatever both know is equal. */
    boolean matches(FileVersion other) {
        return uri.equals(other.uri) && mtime == other.mtime && length == other.length
            && agree(validator, other.validator);
    }

    /** Whether two validators may be of one file: fileIds decide, and only where one is unknown the owners. */
    static boolean agree(long one, long other) {
        if ((one & ID) != 0 && (other & ID) != 0) {
            return (one & ID) == (other & ID);
        }
        return one >>> ID_BITS == 0 || other >>> ID_BITS == 0 || one >>> ID_BITS == other >>> ID_BITS;
    }

    /** Whether both tell the same fileId. */
    static boolean isSameFile(FileStatus one, FileStatus other) {
        long id = validator(one) & ID;
        return id != 0 && id == (validator(other) & ID);
    }

    /** Hadoop before 3.1 shows no fileId, a status that was rebuilt not even an owner. */
    static long validator(FileStatus status) {
        long fileId = status instanceof HdfsFileStatus ? ((HdfsFileStatus) status).getFileId() : 0;
        return validator(fileId, status.getOwner());
    }

    /** 0 and an empty or no owner stand for unknown. */
    static long validator(long fileId, String owner) {
        long hashed = 0;
        if (owner != null && !owner.isEmpty()) {
            byte[] name = owner.getBytes(StandardCharsets.UTF_8);
            hashed = Math.max(1, Xxh64.hash(name, 0, name.length) & OWNER);
        }
        return hashed << ID_BITS | fileId & ID;
    }
}

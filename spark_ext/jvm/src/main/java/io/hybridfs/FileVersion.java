package io.hybridfs;

import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;

/** One version of one file of an origin (FORMAT 2). */
final class FileVersion {
    final String domain;
    final String uri;
    /** Milliseconds, > 0. */
    final long mtime;
    /** Bytes, > 0. */
    final long length;
    /** HDFS's inode number, 0 = unknown: a validator beside the identity. */
    final long fileId;
    /** Whether it is the plaintext of an encrypted file, in a domain for such. */
    final boolean plaintext;

    FileVersion(String domain, String uri, long mtime, long length, long fileId) {
        this(domain, uri, mtime, length, fileId, false);
    }

    private FileVersion(String domain, String uri, long mtime, long length, long fileId, boolean plaintext) {
        this.domain = domain;
        this.uri = uri;
        this.mtime = mtime;
        this.length = length;
        this.fileId = fileId;
        this.plaintext = plaintext;
    }

    FileVersion withFileId(long known) {
        return known == fileId ? this : new FileVersion(domain, uri, mtime, length, known, plaintext);
    }

    /** The version as plaintext, in a domain for such. */
    FileVersion decrypted(String plaintextDomain) {
        return new FileVersion(plaintextDomain, uri, mtime, length, fileId, true);
    }

    /** Whether {@code status} may be this version: whatever both know is equal. */
    boolean matches(FileStatus status) {
        return status.isFile() && status.getModificationTime() == mtime && status.getLen() == length
            && agree(fileId, fileId(status));
    }

    /** Whether both may be the same version of the same file, in whichever domain: whatever both know is equal. */
    boolean matches(FileVersion other) {
        return uri.equals(other.uri) && mtime == other.mtime && length == other.length
            && agree(fileId, other.fileId);
    }

    static boolean agree(long oneFileId, long otherFileId) {
        return oneFileId == 0 || otherFileId == 0 || oneFileId == otherFileId;
    }

    /** 0 where the client's Hadoop shows none (before 3.1, or a status that was rebuilt). */
    static long fileId(FileStatus status) {
        return status instanceof HdfsFileStatus ? ((HdfsFileStatus) status).getFileId() : 0;
    }
}

package io.hybridfs;

import java.io.FileNotFoundException;
import java.io.IOException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.DFSClient;
import org.apache.hadoop.hdfs.protocol.DirectoryListing;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.apache.hadoop.hdfs.protocol.HdfsLocatedFileStatus;
import org.apache.hadoop.hdfs.protocol.LocatedBlocks;

/** A file's status together with its blocks, of one moment. As a status, it needs no permission to read the file. */
final class LocatedFile {
    /** Whether this Hadoop has the two in one class; 3.1 and later. */
    static final boolean AT_ONCE = inOneClass();
    private static final int ATTEMPTS = 3;

    final FileStatus status;
    /** Null when it is not known, or there are no blocks. */
    final Content content;
    final boolean underConstruction;

    private LocatedFile(FileStatus status, LocatedBlocks blocks) {
        this.status = status;
        this.content = blocks == null ? null : Content.of(blocks);
        this.underConstruction = blocks == null || blocks.isUnderConstruction();
    }

    private static boolean inOneClass() {
        try {
            HdfsLocatedFileStatus.class.getMethod("getLocatedBlocks");
            return HdfsFileStatus.class.isInterface() && FileStatus.class.isAssignableFrom(HdfsLocatedFileStatus.class);
        } catch (NoSuchMethodException | LinkageError olderHadoop) {
            return false;
        }
    }

    static LocatedFile ask(DFSClient client, HdfsOrigin.Client hdfs, Path path) throws IOException {
        return AT_ONCE ? atOnce(client, hdfs, path) : inTurn(hdfs, path);
    }

    /** The listing of a file is the file; NameNodes of all ages answer it. */
    private static LocatedFile atOnce(DFSClient client, HdfsOrigin.Client hdfs, Path path) throws IOException {
        DirectoryListing listing = client.listPaths(path.toUri().getPath(), new byte[0], true);
        if (listing == null) {
            throw new FileNotFoundException("File does not exist: " + path);
        }
        HdfsFileStatus[] entries = listing.getPartialListing();
        // Of a directory they have names, and are not it.
        if (entries.length != 1 || !entries[0].isEmptyLocalName()) {
            return new LocatedFile(hdfs.statusAtOrigin(path), null);
        }
        // Cast step by step: in an older Hadoop, which does not come here, none of these extends the other.
        Object entry = entries[0];
        LocatedBlocks blocks = entry instanceof HdfsLocatedFileStatus
            ? ((HdfsLocatedFileStatus) entry).getLocatedBlocks() : null;
        return new LocatedFile((FileStatus) entry, blocks);
    }

    /** Blocks between two equal statuses are of that version: no block returns to a file that lost it. */
    static LocatedFile inTurn(HdfsOrigin.Client hdfs, Path path) throws IOException {
        FileStatus before = hdfs.statusAtOrigin(path);
        for (int attempt = 0; attempt < ATTEMPTS && before.isFile(); attempt++) {
            LocatedBlocks blocks = hdfs.headAtOrigin(path);
            FileStatus after = hdfs.statusAtOrigin(path);
            if (after.isFile() && after.getModificationTime() == before.getModificationTime()
                && after.getLen() == before.getLen()) {
                return new LocatedFile(after, blocks);
            }
            before = after;
        }
        return new LocatedFile(before, null);
    }
}

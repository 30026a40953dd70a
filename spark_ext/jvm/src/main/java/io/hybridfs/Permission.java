package io.hybridfs;

import java.io.Closeable;
import java.io.IOException;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.DFSInputStream;
import org.apache.hadoop.hdfs.client.HdfsDataInputStream;
import org.apache.hadoop.hdfs.protocol.LocatedBlocks;

/** The NameNode's word that the user may read the file that a path names now, and what it says of that file. */
final class Permission implements Closeable {
    /** The open file, or null when only the blocks were asked for, which is the same question. */
    final FSDataInputStream stream;
    private final LocatedBlocks blocks;

    private Permission(FSDataInputStream stream, LocatedBlocks blocks) {
        this.stream = stream;
        this.blocks = blocks;
    }

    static Permission byOpening(HdfsOrigin.Client hdfs, Path path) throws IOException {
        return new Permission(hdfs.openOrigin(path), null);
    }

    /** For a file of which nothing may have to be read from the origin. */
    static Permission byBlocks(HdfsOrigin.Client hdfs, Path path) throws IOException {
        return new Permission(null, hdfs.headAtOrigin(path));
    }

    /** An encrypted file is opened as no plain HDFS stream. */
    boolean isEncrypted() {
        if (stream == null) {
            return blocks.getFileEncryptionInfo() != null;
        }
        return !(stream instanceof HdfsDataInputStream && stream.getWrappedStream() instanceof DFSInputStream);
    }

    /** Whether the file is seen to be written: it shows more than its status tells. */
    boolean isBeingWritten(long length) throws IOException {
        return stream == null ? blocks.isUnderConstruction() : visibleLength() != length;
    }

    private long visibleLength() throws IOException {
        return ((HdfsDataInputStream) stream).getVisibleLength();
    }

    /** Whether the present file holds {@code content}, which may be null. */
    boolean isOf(Content content) throws IOException {
        return content != null
            && content.equals(stream == null ? Content.of(blocks) : Content.of((HdfsDataInputStream) stream));
    }

    /** Of an empty file nothing is read from the origin. */
    static boolean isEmpty(FSDataInputStream plain) throws IOException {
        return plain instanceof HdfsDataInputStream && ((HdfsDataInputStream) plain).getVisibleLength() == 0;
    }

    @Override
    public void close() throws IOException {
        if (stream != null) {
            stream.close();
        }
    }
}

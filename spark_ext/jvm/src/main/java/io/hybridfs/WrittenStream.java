package io.hybridfs;

import java.io.IOException;
import java.io.OutputStream;
import java.util.function.Supplier;
import org.apache.hadoop.crypto.CryptoOutputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.DFSOutputStream;
import org.apache.hadoop.hdfs.client.HdfsDataOutputStream;

/** A stream into a file of HDFS, whose closing is a change of the file, too: then its length and time are told. */
final class WrittenStream extends HdfsDataOutputStream {
    private final Supplier<Mutation> closing;

    private WrittenStream(DFSOutputStream out, FileSystem.Statistics statistics, long position,
                          Supplier<Mutation> closing) throws IOException {
        super(out, statistics, position);
        this.closing = closing;
    }

    private WrittenStream(CryptoOutputStream out, FileSystem.Statistics statistics, long position,
                          Supplier<Mutation> closing) throws IOException {
        super(out, statistics, position);
        this.closing = closing;
    }

    /** {@code opened}: as HDFS's client gave it, with nothing written; {@code closing}: begins the change. */
    static FSDataOutputStream over(FSDataOutputStream opened, FileSystem.Statistics statistics,
                                   Supplier<Mutation> closing) throws IOException {
        OutputStream out = opened.getWrappedStream();
        if (out instanceof DFSOutputStream) {
            return new WrittenStream((DFSOutputStream) out, statistics, opened.getPos(), closing);
        }
        return out instanceof CryptoOutputStream
            ? new WrittenStream((CryptoOutputStream) out, statistics, opened.getPos(), closing) : opened;
    }

    @Override
    public void close() throws IOException {
        try (Mutation change = closing.get()) {
            super.close();
        }
    }
}

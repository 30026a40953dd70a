package io.hybridfs;

import java.io.IOException;
import java.util.List;
import org.apache.hadoop.hdfs.client.HdfsDataInputStream;
import org.apache.hadoop.hdfs.protocol.LocatedBlock;
import org.apache.hadoop.hdfs.protocol.LocatedBlocks;

/**
 * What a file of HDFS holds, told by its first and its last block and its length. HDFS gives no block number twice, no
 * block belongs to two files, and a file's blocks change at its end only: two equal ones are the same bytes.
 */
final class Content {
    private final LocatedBlock first;
    private final LocatedBlock last;
    private final long length;

    private Content(LocatedBlock first, LocatedBlock last, long length) {
        this.first = first;
        this.last = last;
        this.length = length;
    }

    /** Null when there are no blocks, or they do not reach from the file's start to its end. */
    static Content of(LocatedBlocks located) {
        List<LocatedBlock> blocks = located.getLocatedBlocks();
        LocatedBlock last = located.getLastLocatedBlock();
        boolean whole = last != null && !blocks.isEmpty() && blocks.get(0).getStartOffset() == 0;
        return whole ? new Content(blocks.get(0), last, located.getFileLength()) : null;
    }

    /** Asks the NameNode if the file has more blocks than the opening located. Null when there are none. */
    static Content of(HdfsDataInputStream in) throws IOException {
        long length = in.getVisibleLength();
        List<LocatedBlock> blocks = length == 0 ? null : in.getAllBlocks();
        return blocks == null || blocks.isEmpty() ? null
            : new Content(blocks.get(0), blocks.get(blocks.size() - 1), length);
    }

    private static boolean equal(LocatedBlock one, LocatedBlock other) {
        // Truncating and appending keeps the block's number and moves its generation.
        return one.getBlock().getBlockId() == other.getBlock().getBlockId()
            && one.getBlock().getGenerationStamp() == other.getBlock().getGenerationStamp();
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof Content && length == ((Content) object).length
            && equal(first, ((Content) object).first) && equal(last, ((Content) object).last);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(last.getBlock().getBlockId());
    }
}

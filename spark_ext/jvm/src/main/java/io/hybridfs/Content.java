package io.hybridfs;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.hdfs.client.HdfsDataInputStream;
import org.apache.hadoop.hdfs.protocol.ExtendedBlock;
import org.apache.hadoop.hdfs.protocol.LocatedBlock;
import org.apache.hadoop.hdfs.protocol.LocatedBlocks;

/**
 * What a file of HDFS holds, told by its first and its last block and its length, all of one answer. A NameNode gives
 * no block number twice, no block belongs to two files, and a file's blocks change at its end only: two equal ones are
 * the same bytes.
 */
final class Content {
    private final String pool;
    /** Truncating and appending keeps a block's number and moves its generation. */
    private final long[] told;

    private Content(ExtendedBlock first, ExtendedBlock last, long length) {
        // Many are remembered, all of few pools.
        this.pool = first.getBlockPoolId().intern();
        this.told = new long[] {first.getBlockId(), first.getGenerationStamp(), last.getBlockId(),
            last.getGenerationStamp(), length};
    }

    /** Null when there are no blocks, or they do not reach from the file's start to its end. */
    static Content of(LocatedBlocks located) {
        List<LocatedBlock> blocks = located.getLocatedBlocks();
        LocatedBlock last = located.getLastLocatedBlock();
        boolean whole = last != null && !blocks.isEmpty() && blocks.get(0).getStartOffset() == 0;
        return whole ? new Content(blocks.get(0).getBlock(), last.getBlock(), located.getFileLength()) : null;
    }

    /** Of a stream of this file system, which located all blocks by one answer. Null when there are none. */
    static Content of(HdfsDataInputStream in) throws IOException {
        long length = in.getVisibleLength();
        List<LocatedBlock> blocks = length == 0 ? null : in.getAllBlocks();
        return blocks == null || blocks.isEmpty() ? null
            : new Content(blocks.get(0).getBlock(), blocks.get(blocks.size() - 1).getBlock(), length);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Content && pool.equals(((Content) other).pool)
            && Arrays.equals(told, ((Content) other).told);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(told);
    }
}

package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.OutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.client.HdfsDataInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file of more blocks than a client of HDFS locates when it opens one. */
class ContentTest {
    private static final int BLOCKS = 14;
    private static final int KEPT = 5;

    /** The first block is kept, the last one is new, and of those between some are old. */
    @Test
    void aStreamThatWasOpenBeforeAChangeIsNotOfTheNewContent(@TempDir java.nio.file.Path root) throws Exception {
        try (DistributedFileSystem plain = (DistributedFileSystem) MiniHdfs.client(MiniHdfs.plain());
             HybridFileSystem fs = (HybridFileSystem) MiniHdfs.client(MiniHdfs.cached(root))) {
            Path path = new Path("/content/" + System.nanoTime());
            MiniHdfs.write(plain, path.toString(), GoldenMaker.bytes(1, BLOCKS * MiniHdfs.HDFS_BLOCK));
            FSDataInputStream early = fs.openOrigin(path);
            assertTrue(plain.truncate(path, (long) KEPT * MiniHdfs.HDFS_BLOCK));
            try (OutputStream out = plain.append(path)) {
                out.write(GoldenMaker.bytes(2, (BLOCKS - KEPT) * MiniHdfs.HDFS_BLOCK));
            }
            LocatedFile now = fs.locatedAtOrigin(path);
            try (FSDataInputStream late = fs.openOrigin(path)) {
                assertEquals(now.content, Content.of((HdfsDataInputStream) late));
            }
            assertNotEquals(now.content, Content.of((HdfsDataInputStream) early));
            FileStatus status = now.status;
            FileVersion version = new FileVersion("hdfs-x", "hdfs://x" + path.toUri().getPath(),
                status.getModificationTime(), status.getLen(), FileVersion.validator(status));
            try (HdfsOrigin origin = new HdfsOrigin(fs, path, version, early, new Traffic())) {
                assertThrows(FileChangedException.class,
                    () -> origin.read(7L * MiniHdfs.HDFS_BLOCK, new byte[10], 0, 10));
                assertEquals(Miss.VERSION_CHANGED, origin.refusal());
            }
        }
    }

    /** What is set for HDFS's own client is nobody else's. */
    @Test
    void theConfigurationStaysTheCallers(@TempDir java.nio.file.Path root) throws Exception {
        Configuration conf = MiniHdfs.cached(root);
        try (HybridFileSystem fs = (HybridFileSystem) MiniHdfs.client(conf)) {
            assertSame(conf, fs.getConf());
            assertNull(conf.get("dfs.client.read.prefetch.size"));
        }
    }
}

package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Collections;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.ipc.CallerContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The NameNode's audit log names the caller's own context, whichever thread of ours asks. */
class CallersTest {
    private static final byte[] DATA = GoldenMaker.bytes(41, 5 * MiniHdfs.BLOCK);

    @AfterEach
    void tearDown() {
        CallerContext.setCurrent(null);
    }

    private static void call(String context) {
        CallerContext.setCurrent(new CallerContext.Builder(context).build());
    }

    @Test
    void allQuestionsOfACallerAreHis(@TempDir java.nio.file.Path root) throws Exception {
        for (String freshness : new String[] {"0", "1h"}) {
            Configuration conf = MiniHdfs.cached(root, Options.FRESHNESS, freshness);
            try (FileSystem plain = MiniHdfs.client(MiniHdfs.plain()); FileSystem fs = MiniHdfs.client(conf)) {
                for (int i = 0; i < 6; i++) {
                    Path path = new Path("/callers/" + System.nanoTime());
                    String context = "query-" + freshness + "-" + i;
                    call(context);
                    MiniHdfs.write(plain, path.toString(), DATA);
                    FileStatus status = plain.getFileStatus(path);
                    for (FileStatus brought : new FileStatus[] {null, status, null, status}) {
                        try (FSDataInputStream in = brought == null ? fs.open(path)
                            : fs.openFile(path).withFileStatus(brought).build().get()) {
                            assertArrayEquals(DATA, MiniHdfs.toEnd(in));
                        }
                        Workers.quiesce();
                        Trees.blocks(root).stream().filter(block -> block.endsWith("2"))
                            .forEach(block -> block.toFile().delete());
                    }
                    assertEquals(Collections.singleton(context), NameNodeCalls.contexts(path.toString()));
                }
            }
        }
    }
}

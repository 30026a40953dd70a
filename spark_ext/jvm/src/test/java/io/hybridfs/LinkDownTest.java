package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.concurrent.ExecutionException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.ipc.RemoteException;
import org.apache.hadoop.ipc.StandbyException;
import org.apache.hadoop.security.AccessControlException;
import org.apache.hadoop.util.StringUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A NameNode that cannot be reached. */
class LinkDownTest {
    private static final byte[] DATA = GoldenMaker.bytes(3, 200_000);
    private static final Path GRANTED = new Path("/down/granted");
    private static final Path CACHED = new Path("/down/cached");

    private static FileSystem client(MiniDFSCluster hdfs, java.nio.file.Path root, String freshness)
        throws IOException {
        return client(hdfs, root, freshness, "open");
    }

    private static FileSystem client(MiniDFSCluster hdfs, java.nio.file.Path root, String freshness, String authorize)
        throws IOException {
        Configuration conf = new Configuration(hdfs.getConfiguration(0));
        conf.set("fs.hdfs.impl", HybridFileSystem.class.getName());
        conf.set(Options.CACHE_DIR, root.toString());
        conf.set(Options.MIN_FREE, "0");
        conf.set(Options.FRESHNESS, freshness);
        conf.set(Options.AUTHORIZE, authorize);
        conf.setInt("ipc.client.connect.max.retries", 1);
        conf.setInt("ipc.client.connect.retry.interval", 50);
        return FileSystem.newInstance(hdfs.getURI(), conf);
    }

    private static IOException refused(FileSystem fs, Path path, FileStatus brought) {
        return brought == null ? assertThrows(IOException.class, () -> fs.open(path))
            : (IOException) assertThrows(ExecutionException.class,
                () -> fs.openFile(path).withFileStatus(brought).build().get()).getCause();
    }

    @Test
    void onlyWhatWasGrantedLatelyIsServed(@TempDir java.nio.file.Path root, @TempDir java.nio.file.Path base)
        throws Exception {
        Configuration conf = new HdfsConfiguration();
        conf.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, base.toString());
        MiniDFSCluster hdfs = new MiniDFSCluster.Builder(conf).numDataNodes(1).build();
        FileSystem keeps = client(hdfs, root, "1h");
        FileSystem asks = client(hdfs, root, "0");
        FileSystem fills = client(hdfs, root, "0", "fill");
        FileSystem other = Users.of("other", () -> client(hdfs, root, "1h"));
        try {
            FileSystem plain = hdfs.getFileSystem();
            for (Path path : new Path[] {GRANTED, CACHED}) {
                MiniHdfs.write(plain, path.toString(), DATA);
                assertArrayEquals(DATA, MiniHdfs.read(path == GRANTED ? keeps : asks, path.toString()));
            }
            Workers.quiesce();
            FileStatus granted = plain.getFileStatus(GRANTED);
            FileStatus cached = plain.getFileStatus(CACHED);
            assertThrows(FileNotFoundException.class, () -> keeps.open(new Path("/down/none")));
            assertArrayEquals(DATA, MiniHdfs.read(fills, CACHED.toString()));
            Workers.quiesce();
            hdfs.shutdownNameNode(0);

            try (FSDataInputStream in = fills.openFile(CACHED).withFileStatus(cached).build().get()) {
                assertArrayEquals(DATA, MiniHdfs.toEnd(in));
            }
            // The first call finds the connection broken.
            IOException broken = refused(fills, CACHED, null);
            assertTrue(Failures.unanswered(broken) && broken.getMessage().endsWith(Failures.UNREACHABLE),
                broken.toString());
            assertArrayEquals(DATA, MiniHdfs.read(keeps, GRANTED.toString()));
            try (FSDataInputStream in = keeps.openFile(GRANTED).withFileStatus(granted).build().get()) {
                assertArrayEquals(DATA, MiniHdfs.toEnd(in));
            }
            for (FileStatus brought : new FileStatus[] {null, cached}) {
                for (FileSystem fs : new FileSystem[] {keeps, asks}) {
                    IOException e = refused(fs, CACHED, brought);
                    assertEquals(ConnectException.class, e.getClass());
                    assertTrue(e.getMessage().startsWith("Call From "), e.getMessage());
                    assertTrue(e.getMessage().endsWith(Failures.UNREACHABLE), e.getMessage());
                }
            }
            assertEquals(ConnectException.class, refused(other, GRANTED, granted).getClass());
        } finally {
            keeps.close();
            asks.close();
            fills.close();
            other.close();
            hdfs.shutdown(true);
        }
    }

    @Test
    void onlyNoAnswerIsNone() {
        for (IOException none : new IOException[] {new ConnectException("refused"), new SocketTimeoutException("late"),
            new NoRouteToHostException("cut"), new UnknownHostException("nn"), new EOFException(),
            new IOException("Failed on local exception", new IOException("Connection reset by peer"))}) {
            assertTrue(Failures.unanswered(none), none.toString());
        }
        for (IOException answer : new IOException[] {new AccessControlException("Permission denied"),
            new FileNotFoundException("File does not exist"), new IOException("Filesystem closed"),
            new RemoteException(StandbyException.class.getName(), "Operation category READ is not supported"),
            new RemoteException(ConnectException.class.getName(), "of the NameNode's own"),
            wrapped(new RemoteException("x", "y"), new ConnectException("z")),
            new IOException("Couldn't set up IO streams", new AccessControlException(
                "Client cannot authenticate via:[TOKEN, KERBEROS]"))}) {
            assertFalse(Failures.unanswered(answer), answer.toString());
        }
    }

    private static IOException wrapped(IOException cause, IOException around) {
        around.initCause(cause);
        return around;
    }

    /** Without a constructor that takes a text. */
    private static final class Peculiar extends IOException {
        private static final long serialVersionUID = 1L;

        Peculiar(int number) {
            super("number " + number);
        }
    }

    @Test
    void whatIsSaidBesidesChangesNoClass() {
        IOException said = Failures.saying(new UnknownHostException("nn"), "And more.");
        assertEquals(UnknownHostException.class, said.getClass());
        assertEquals("nn And more.", said.getMessage());
        assertNotNull(said.getCause());
        assertSame(said, Failures.saying(said, "And more."));
        IOException peculiar = new Peculiar(3);
        assertSame(peculiar, Failures.saying(peculiar, "And more."));
        assertEquals("And more.", peculiar.getSuppressed()[0].getMessage());
        assertTrue(StringUtils.stringifyException(peculiar).contains("And more."));
        assertNull(Failures.saying(new IOException(), "x").getCause().getMessage());
    }
}

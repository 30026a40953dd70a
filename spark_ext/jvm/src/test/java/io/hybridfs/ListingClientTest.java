package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.DFSClient;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.protocol.ClientProtocol;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.apache.hadoop.ipc.RemoteException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Pages and batches of the real NameNode, and of one that lists fewer directories at once, or only one. */
class ListingClientTest {
    private static final int MANY = 3500;

    private FileSystem plain;
    private Path base;

    @BeforeEach
    void setUp() throws Exception {
        plain = MiniHdfs.client(MiniHdfs.plain());
        base = new Path("/client/" + System.nanoTime());
    }

    @AfterEach
    void tearDown() throws Exception {
        plain.delete(base, true);
        plain.close();
    }

    private DFSClient hdfs() {
        return ((DistributedFileSystem) plain).getClient();
    }

    private static void make(FileSystem fs, Path dir, int from, int to) throws IOException {
        for (int i = from; i < to; i++) {
            fs.mkdirs(new Path(dir, ScanTrees.name(i)));
        }
    }

    private static List<String> names(Pages pages) throws IOException {
        List<String> names = new ArrayList<>();
        for (int page = 0; pages.page(page) != null; page++) {
            for (HdfsFileStatus child : pages.page(page)) {
                names.add(child.getLocalName());
            }
        }
        return names;
    }

    private List<String> expected() throws IOException {
        List<String> names = new ArrayList<>();
        for (FileStatus child : plain.listStatus(base)) {
            names.add(child.getPath().getName());
        }
        return names;
    }

    @Test
    void pagesSideBySideAreStitched() throws Exception {
        make(plain, base, 0, MANY);
        Pages first = new Pages(new ListingClient(hdfs()), base.toUri().getPath(), false);
        assertEquals(expected(), names(first));
        Listing earlier = first.whole();
        assertEquals(4, first.answers());
        assertGuessed(earlier);
        for (int i = 900; i < 2100; i += 3) { // it has shrunk, and page by page differently
            plain.delete(new Path(base, ScanTrees.name(i)), true);
        }
        assertGuessed(earlier);
        for (int i = 0; i < 400; i++) { // it has grown at both ends, by names that HDFS puts before and after
            plain.mkdirs(new Path(base, "\u00e4" + i));
            plain.mkdirs(new Path(base, "z" + i));
        }
        assertGuessed(earlier);
        for (int i = 0; i < MANY; i++) {
            plain.delete(new Path(base, ScanTrees.name(i)), true);
        }
        assertGuessed(earlier);
    }

    private void assertGuessed(Listing earlier) throws IOException {
        Pages pages = new Pages(new ListingClient(hdfs()), base.toUri().getPath(), false);
        pages.guess(earlier);
        assertEquals(expected(), names(pages));
        assertEquals(expected(), pages.whole().names());
    }

    @Test
    void pagesFromAnyName() throws Exception {
        make(plain, base, 0, 1200);
        String path = base.toUri().getPath();
        Pages pages = new Pages(new ListingClient(hdfs()), path, false, PathOrder.before(ScanTrees.name(50)));
        assertEquals(expected().subList(50, 1200), names(pages));
    }

    /** Who answers as an older NameNode, or as one that lists {@code most} at once; counts what it refused. */
    private DFSClient refusing(int most, AtomicInteger refused) throws Exception {
        ClientProtocol real = hdfs().getNamenode();
        ClientProtocol old = (ClientProtocol) Proxy.newProxyInstance(getClass().getClassLoader(),
            new Class<?>[] {ClientProtocol.class}, (proxy, method, args) -> {
                if (method.getName().equals("getBatchedListing") && ((String[]) args[0]).length > most) {
                    refused.incrementAndGet();
                    throw most == 0 ? new RemoteException("org.apache.hadoop.ipc.RpcNoSuchMethodException", "unknown")
                        : new RemoteException(IllegalArgumentException.class.getName(),
                            "Too many source paths (" + ((String[]) args[0]).length + " > " + most + ")");
                }
                try {
                    return method.invoke(real, args);
                } catch (InvocationTargetException e) {
                    throw e.getCause();
                }
            });
        return new DFSClient(null, old, new Configuration(MiniHdfs.plain()), null);
    }

    private Map<Integer, Integer> sizes(ListingClient client, List<String> paths) throws IOException {
        Map<Integer, Integer> sizes = new TreeMap<>();
        client.batch(paths, (place, children, pages) -> sizes.put(place, children.size()), () -> true);
        return sizes;
    }

    @Test
    void whatCannotBeListedFailsAlone() throws Exception {
        List<String> paths = new ArrayList<>();
        Map<Integer, Integer> expected = new TreeMap<>();
        for (int i = 0; i < 60; i++) {
            Path dir = new Path(base, ScanTrees.name(i));
            paths.add(dir.toUri().getPath());
            if (i % 10 == 3) {
                plain.create(dir).close();
            } else if (i % 10 != 7) {
                plain.mkdirs(dir);
                make(plain, dir, 0, i == 30 ? 2500 : i % 4);
                expected.put(i, i == 30 ? 2500 : i % 4);
            }
        }
        for (int most : new int[] {100, 7, 0}) {
            AtomicInteger refused = new AtomicInteger();
            ListingClient client = new ListingClient(refusing(most, refused));
            assertEquals(expected, sizes(client, paths));
            assertEquals(most == 100 ? 100 : Math.max(1, most), client.atOnce());
            int atOnce = Math.min(client.atOnce(), paths.size());
            for (int from = 0; from + atOnce <= paths.size(); from += atOnce) {
                sizes(client, paths.subList(from, from + atOnce));
            }
            assertEquals(most == 100 ? 0 : 1, refused.get()); // it is asked once
        }
    }
}

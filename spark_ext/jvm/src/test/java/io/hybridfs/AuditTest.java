package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileRange;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.security.AccessControlException;
import org.apache.hadoop.security.UserGroupInformation;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The lines that each open and close appends. */
class AuditTest {
    private static final byte[] DATA = GoldenMaker.bytes(5, 300_000);

    @TempDir
    java.nio.file.Path root;
    @TempDir
    java.nio.file.Path logs;
    private java.nio.file.Path log;
    private FileSystem plain;

    @BeforeEach
    void setUp() throws Exception {
        log = logs.resolve("audit.log");
        plain = MiniHdfs.client(MiniHdfs.plain());
    }

    @AfterEach
    void tearDown() throws Exception {
        Workers.quiesce();
        plain.close();
    }

    private Configuration conf() {
        return MiniHdfs.cached(root, Options.AUDIT, log.toString());
    }

    private List<String> lines() throws IOException {
        return Files.readAllLines(log, StandardCharsets.UTF_8);
    }

    /** Without the time. */
    private static String line(boolean allowed, String user, String command, String path, String more)
        throws IOException {
        return "INFO hybridfs.audit: allowed=" + allowed + "\tugi=" + user + "\tip=/"
            + InetAddress.getLocalHost().getHostAddress() + "\tcmd=" + command + "\tsrc=" + path
            + "\tdst=null\tperm=null\tproto=hybridfs" + more;
    }

    private void assertAdds(String... expected) throws Exception {
        List<String> added = lines();
        for (int i = 0; i < expected.length; i++) {
            String line = added.get(added.size() - expected.length + i);
            assertTrue(line.matches("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d,\\d{3} .*"), line);
            assertEquals(expected[i], line.substring(24));
        }
    }

    @Test
    void eachOpenIsALineAndEachCloseTellsItsBytes() throws Exception {
        String path = "/audited/a b\u00e9";
        MiniHdfs.write(plain, path, DATA);
        String me = UserGroupInformation.getCurrentUser().getShortUserName() + " (auth:SIMPLE)";
        try (FileSystem fs = MiniHdfs.client(conf())) {
            FSDataInputStream in = fs.open(new Path(path));
            assertAdds(line(true, me, "open", path, ""));
            in.readFully(0, new byte[DATA.length]);
            Workers.quiesce();
            in.close();
            in.close();
            assertAdds(line(true, me, "open", path, ""),
                line(true, me, "close", path, "\thit=0\tmiss=300000"));
            try (FSDataInputStream again = fs.open(new Path(path))) {
                again.readFully(70_000, new byte[1000]);
                FileRange range = FileRange.createFileRange(10, 200);
                again.readVectored(Collections.singletonList(range), java.nio.ByteBuffer::allocate);
                assertEquals(200, range.getData().get().remaining());
            }
            assertAdds(line(true, me, "close", path, "\thit=1200\tmiss=0"));
            // One block of five is gone: what is fetched is that block, whole.
            Trees.blocks(root).stream().filter(block -> block.endsWith("2")).forEach(block -> block.toFile().delete());
            try (FSDataInputStream again = fs.open(new Path(path))) {
                again.readFully(2 * MiniHdfs.BLOCK - 10, new byte[20]);
            }
            assertAdds(line(true, me, "close", path, "\thit=10\tmiss=" + MiniHdfs.BLOCK));
            assertEquals(6, lines().size());
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(log)));
        }
    }

    @Test
    void whatIsPassedThroughHasNoCloseAndWhatIsRefusedIsNotAllowed() throws Exception {
        MiniHdfs.write(plain, "/audited/_through", DATA);
        MiniHdfs.write(plain, "/audited/secret", DATA);
        plain.setPermission(new Path("/audited/secret"), new FsPermission((short) 0600));
        UserGroupInformation service = UserGroupInformation.createRemoteUser("service");
        try (FileSystem bob = Users.as(
            UserGroupInformation.createProxyUserForTesting("bob", service, new String[0]), conf())) {
            assertArrayEquals(DATA, MiniHdfs.read(bob, "/audited/_through"));
            assertThrows(AccessControlException.class, () -> bob.open(new Path("/audited/secret")));
            FileStatus status = bob.getFileStatus(new Path("/audited/secret"));
            assertThrows(Exception.class, () -> bob.openFile(status.getPath()).withFileStatus(status).build().get());
            assertThrows(IOException.class, () -> bob.open(new Path("/audited/none")));
        }
        assertEquals(3, lines().size());
        assertAdds(line(true, "bob (auth:SIMPLE)", "open", "/audited/_through", ""),
            line(false, "bob (auth:SIMPLE)", "open", "/audited/secret", ""),
            line(false, "bob (auth:SIMPLE)", "open", "/audited/secret", ""));
    }

    /** A grant lets the stream be opened, and nothing be fetched. */
    @Test
    void whoIsRefusedAfterTheOpenIsToldOnce() throws Exception {
        Path path = new Path("/audited/later");
        MiniHdfs.write(plain, path.toString(), DATA);
        Configuration conf = conf();
        conf.set(Options.FRESHNESS, "1h");
        String bob = "bob (auth:SIMPLE)";
        try (FileSystem fs = Users.as("bob", conf)) {
            assertArrayEquals(DATA, MiniHdfs.read(fs, path.toString()));
            Workers.quiesce();
            plain.setPermission(path, new FsPermission((short) 0600));
            Trees.blocks(root).stream().filter(block -> block.toString().matches(".*[24]"))
                .forEach(block -> block.toFile().delete());
            int lines = lines().size();
            long denied = Stats.get(Miss.DENIED);
            try (FSDataInputStream in = fs.open(path)) {
                for (int block : new int[] {2, 4}) {
                    assertThrows(AccessControlException.class, () -> in.readFully(block * MiniHdfs.BLOCK, new byte[9]));
                }
            }
            assertAdds(line(true, bob, "open", path.toString(), ""), line(false, bob, "open", path.toString(), ""),
                line(true, bob, "close", path.toString(), "\thit=0\tmiss=0"));
            assertEquals(lines + 3, lines().size());
            assertEquals(denied + 1, Stats.get(Miss.DENIED));
        }
    }

    /** The stream goes over to what the path names now. */
    @Test
    void whomTheFileIsTakenFromIsToldOfIt() throws Exception {
        Path path = new Path("/audited/replaced");
        MiniHdfs.write(plain, path.toString(), DATA);
        String bob = "bob (auth:SIMPLE)";
        try (FileSystem fs = Users.as("bob", conf())) {
            try (FSDataInputStream in = fs.open(path)) {
                MiniHdfs.write(plain, path.toString(), GoldenMaker.bytes(6, DATA.length));
                plain.setPermission(path, new FsPermission((short) 0600));
                assertThrows(AccessControlException.class, () -> in.readFully(0, new byte[9]));
            }
            assertAdds(line(true, bob, "open", path.toString(), ""), line(false, bob, "open", path.toString(), ""),
                line(true, bob, "close", path.toString(), "\thit=0\tmiss=0"));
            assertEquals(3, lines().size());
        }
    }

    /** As the thread of a task that is killed. */
    @Test
    void anInterruptedThreadLosesNoLine() throws Exception {
        MiniHdfs.write(plain, "/audited/killed", DATA);
        long faults = Stats.get(Stats.Counter.AUDIT_FAULTS);
        try (FileSystem fs = MiniHdfs.client(conf())) {
            FSDataInputStream in = fs.open(new Path("/audited/killed"));
            Thread.currentThread().interrupt();
            in.close();
            assertTrue(Thread.interrupted());
            assertEquals(2, lines().size());
        }
        Audit audit = new Audit(log, "me");
        Thread writer = new Thread(() -> {
            for (int i = 0; i < 2000; i++) {
                audit.closed("/killed/" + i, new Traffic(), Modes.ofNew());
            }
        });
        writer.start();
        while (writer.isAlive()) {
            writer.interrupt();
        }
        assertEquals(2000, lines().stream().filter(line -> line.contains("src=/killed/")).distinct().count());
        assertEquals(faults, Stats.get(Stats.Counter.AUDIT_FAULTS));
    }

    @Test
    void noNameForgesALine() {
        assertEquals("a\\tcmd=open\\nb\\\\n\\rc\\u0000\\u2028\\u0085",
            Audit.escaped("a\tcmd=open\nb\\n\rc\0\u2028\u0085"));
        assertEquals("/plain/\u00e4\u6f22 \"=", Audit.escaped("/plain/\u00e4\u6f22 \"="));
    }

    @Test
    void aFileThatCannotBeWrittenFailsNoQuery() throws Exception {
        MiniHdfs.write(plain, "/audited/b", DATA);
        java.nio.file.Path victim = Files.write(logs.resolve("victim"), new byte[0]);
        Files.createSymbolicLink(log, victim);
        java.nio.file.Path directory = Files.createDirectory(logs.resolve("directory"));
        for (java.nio.file.Path bad : Arrays.asList(log, directory, logs.resolve("none/audit.log"))) {
            Configuration conf = conf();
            conf.set(Options.AUDIT, bad.toString());
            long faults = Stats.get(Stats.Counter.AUDIT_FAULTS);
            try (FileSystem fs = MiniHdfs.client(conf)) {
                assertArrayEquals(DATA, MiniHdfs.read(fs, "/audited/b"));
            }
            assertEquals(faults + 2, Stats.get(Stats.Counter.AUDIT_FAULTS));
        }
        assertEquals(0, Files.size(victim));
    }

    @Test
    void aRootOfAGroupHasAFileOfAGroup() throws Exception {
        MiniHdfs.write(plain, "/audited/c", DATA);
        Files.setAttribute(root, "unix:mode", 02770);
        try (FileSystem fs = MiniHdfs.client(conf())) {
            assertArrayEquals(DATA, MiniHdfs.read(fs, "/audited/c"));
        }
        assertEquals("rw-rw----", PosixFilePermissions.toString(Files.getPosixFilePermissions(log)));
        assertFalse(lines().isEmpty());
    }
}

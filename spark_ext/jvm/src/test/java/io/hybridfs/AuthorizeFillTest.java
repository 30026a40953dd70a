package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.security.AccessControlException;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.security.UserGroupInformation.AuthenticationMethod;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The permission is asked for where bytes are fetched, and each user has blocks of his own. */
class AuthorizeFillTest {
    private static final byte[] DATA = GoldenMaker.bytes(7, 5 * MiniHdfs.BLOCK);

    @TempDir
    java.nio.file.Path root;
    private FileSystem superuser;
    private Path path;

    @BeforeEach
    void setUp() throws Exception {
        superuser = MiniHdfs.client(MiniHdfs.plain());
        path = new Path("/fill/" + System.nanoTime());
        Users.writeForAlice(superuser, path, DATA, 0600);
    }

    @AfterEach
    void tearDown() throws Exception {
        Workers.quiesce();
        superuser.close();
    }

    private Configuration conf(String... options) {
        Configuration conf = MiniHdfs.cached(root, options);
        conf.set(Options.AUTHORIZE, "fill");
        return conf;
    }

    private Set<String> domains() throws IOException {
        try (Stream<java.nio.file.Path> all = Files.list(root.resolve("v1"))) {
            return all.map(dir -> dir.getFileName().toString()).filter(name -> name.startsWith("hdfs-"))
                .map(name -> name.substring(name.indexOf("%40"))).collect(Collectors.toCollection(TreeSet::new));
        }
    }

    @Test
    void aHitAsksForNoPermissionAndAMissDoes() throws Exception {
        try (FileSystem alice = Users.as("alice", conf(Options.FRESHNESS, "0"))) {
            FileStatus status = alice.getFileStatus(path);
            assertArrayEquals(DATA, MiniHdfs.read(alice, path.toString()));
            Workers.quiesce();
            superuser.setPermission(path, new FsPermission((short) 0));
            assertArrayEquals(DATA, MiniHdfs.read(alice, path.toString()));
            Trees.blocks(root).stream().filter(block -> block.endsWith("2")).forEach(block -> block.toFile().delete());
            for (FileStatus brought : new FileStatus[] {null, status}) {
                try (FSDataInputStream in = brought == null ? alice.open(path)
                    : alice.openFile(path).withFileStatus(brought).build().get()) {
                    assertEquals(DATA[0] & 0xff, in.read());
                    assertThrows(AccessControlException.class,
                        () -> in.readFully(2 * MiniHdfs.BLOCK, new byte[10]));
                }
            }
            Trees.blocks(root).forEach(block -> block.toFile().delete());
            assertThrows(AccessControlException.class, () -> alice.open(path));
        }
    }

    @Test
    void anotherUserHasNoneOfTheBlocks() throws Exception {
        try (FileSystem alice = Users.as("alice", conf()); FileSystem bob = Users.as("bob", conf())) {
            assertArrayEquals(DATA, MiniHdfs.read(alice, path.toString()));
            Workers.quiesce();
            assertThrows(AccessControlException.class, () -> bob.open(path));
            FileStatus status = bob.getFileStatus(path);
            assertThrows(Exception.class, () -> bob.openFile(path).withFileStatus(status).build().get());
            superuser.setPermission(path, new FsPermission((short) 0644));
            long origin = Stats.get(Stats.Counter.ORIGIN_BYTES);
            assertArrayEquals(DATA, MiniHdfs.read(bob, path.toString()));
            assertEquals(origin + DATA.length, Stats.get(Stats.Counter.ORIGIN_BYTES));
            Workers.quiesce();
            assertEquals(new TreeSet<>(Arrays.asList("%40alice", "%40bob")), domains());
        }
    }

    @Test
    void aReplacedFileIsAskedForAgain() throws Exception {
        try (FileSystem alice = Users.as("alice", conf())) {
            assertArrayEquals(DATA, MiniHdfs.read(alice, path.toString()));
            Workers.quiesce();
            byte[] changed = GoldenMaker.bytes(8, DATA.length);
            MiniHdfs.write(superuser, path.toString(), changed);
            assertArrayEquals(changed, MiniHdfs.read(alice, path.toString()));
            superuser.delete(path, false);
            MiniHdfs.write(superuser, path.toString(), DATA);
            superuser.setPermission(path, new FsPermission((short) 0600));
            assertThrows(AccessControlException.class, () -> alice.open(path));
        }
    }

    /** By whatever it authenticates, and for whomever it acts. */
    @Test
    void allProcessesOfAUserHaveOneDomain() throws Exception {
        superuser.setPermission(path, new FsPermission((short) 0644));
        UserGroupInformation byToken = UserGroupInformation.createRemoteUser("alice");
        byToken.setAuthenticationMethod(AuthenticationMethod.TOKEN);
        UserGroupInformation service = UserGroupInformation.createRemoteUser("service");
        UserGroupInformation proxied = UserGroupInformation.createProxyUser("alice", service);
        for (UserGroupInformation alice : Arrays.asList(byToken, proxied)) {
            try (FileSystem fs = Users.as(alice, conf())) {
                assertArrayEquals(DATA, MiniHdfs.read(fs, path.toString()));
                Workers.quiesce();
                assertEquals(new TreeSet<>(Arrays.asList("%40alice")), domains());
            }
        }
        // Who has told the NameNode a name cannot be another one here.
        String message = assertThrows(IllegalArgumentException.class,
            () -> Users.as(service, conf(Options.USER, "alice"))).getMessage();
        assertTrue(message.contains("fs.hybridfs.user = 'alice', but this user is service"), message);
        try (FileSystem fs = Users.as(UserGroupInformation.createRemoteUser("a lice"),
            conf(Options.USER, "a lice"))) {
            assertArrayEquals(DATA, MiniHdfs.read(fs, path.toString()));
            Workers.quiesce();
            assertEquals(new TreeSet<>(Arrays.asList("%40a%20lice", "%40alice")), domains());
        }
        assertEquals(2 * 5, Trees.blocks(root).size());
    }
}

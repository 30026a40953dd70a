package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.AclEntry;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.security.AccessControlException;
import org.apache.hadoop.security.UserGroupInformation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The NameNode says who may read, also of what is cached. */
class AuthorisationTest {
    private static final byte[] DATA = new byte[300_000];

    static {
        new Random(5).nextBytes(DATA);
    }

    /** A file that only alice may read. */
    private static Path secret(FileSystem superuser, String name) throws Exception {
        Path path = new Path("/private/" + name);
        Users.writeForAlice(superuser, path, DATA, 0600);
        return path;
    }

    @Test
    void bobIsRefusedWhatAliceCached(@TempDir java.nio.file.Path root) throws Exception {
        Configuration conf = MiniHdfs.cached(root);
        try (FileSystem superuser = MiniHdfs.client(MiniHdfs.plain());
             FileSystem alice = Users.as("alice", conf);
             FileSystem bob = Users.as("bob", conf);
             FileSystem plainBob = Users.as("bob", MiniHdfs.plain())) {
            Path path = secret(superuser, "a");
            assertArrayEquals(DATA, MiniHdfs.read(alice, path.toString()));
            Workers.quiesce();
            long origin = Stats.get(Stats.Counter.ORIGIN_BYTES);
            assertArrayEquals(DATA, MiniHdfs.read(alice, path.toString()));
            assertEquals(origin, Stats.get(Stats.Counter.ORIGIN_BYTES));
            String expected = assertThrows(AccessControlException.class, () -> plainBob.open(path)).getMessage();
            assertEquals(expected, assertThrows(AccessControlException.class, () -> bob.open(path)).getMessage());
            FileStatus status = bob.getFileStatus(path);
            ExecutionException e = assertThrows(ExecutionException.class,
                () -> bob.openFile(path).withFileStatus(status).build().get());
            assertTrue(e.getCause() instanceof AccessControlException, String.valueOf(e.getCause()));
        }
    }

    @Test
    void aGrantIsReusedWithinFreshnessOnly(@TempDir java.nio.file.Path root) throws Exception {
        Configuration conf = MiniHdfs.cached(root, Options.FRESHNESS, "1h");
        try (FileSystem superuser = MiniHdfs.client(MiniHdfs.plain()); FileSystem alice = Users.as("alice", conf)) {
            Path path = secret(superuser, "b");
            assertArrayEquals(DATA, MiniHdfs.read(alice, path.toString()));
            superuser.setPermission(path, new FsPermission((short) 0));
            long reused = Stats.get(Stats.Counter.GRANTS_REUSED);
            Workers.quiesce();
            assertArrayEquals(DATA, MiniHdfs.read(alice, path.toString()));
            assertEquals(reused + 1, Stats.get(Stats.Counter.GRANTS_REUSED));
            // Own mutations drop it.
            alice.setPermission(path, new FsPermission((short) 0200));
            assertThrows(AccessControlException.class, () -> alice.open(path));
        }
    }

    /** An own change of an ACL. */
    private interface AclChange {
        void apply(FileSystem fs, Path path) throws Exception;
    }

    @Test
    void ownChangesOfAclsDropGrants(@TempDir java.nio.file.Path root) throws Exception {
        Configuration conf = MiniHdfs.cached(root, Options.FRESHNESS, "1h");
        List<AclEntry> entries = AclEntry.parseAclSpec("user:carol:r--", true);
        List<AclEntry> names = AclEntry.parseAclSpec("user:carol", false);
        List<AclChange> changes = Arrays.asList((fs, path) -> fs.modifyAclEntries(path, entries),
            (fs, path) -> fs.removeAclEntries(path, names), FileSystem::removeAcl, FileSystem::removeDefaultAcl);
        try (FileSystem superuser = MiniHdfs.client(MiniHdfs.plain()); FileSystem alice = Users.as("alice", conf)) {
            Path path = secret(superuser, "acl");
            for (AclChange change : changes) {
                assertArrayEquals(DATA, MiniHdfs.read(alice, path.toString()));
                Workers.quiesce();
                long reused = Stats.get(Stats.Counter.GRANTS_REUSED);
                alice.open(path).close();
                assertEquals(reused + 1, Stats.get(Stats.Counter.GRANTS_REUSED));
                change.apply(alice, path);
                alice.open(path).close();
                assertEquals(reused + 1, Stats.get(Stats.Counter.GRANTS_REUSED));
            }
        }
    }

    @Test
    void freshnessZeroAsksAtEveryOpen(@TempDir java.nio.file.Path root) throws Exception {
        Configuration conf = MiniHdfs.cached(root, Options.FRESHNESS, "0");
        try (FileSystem superuser = MiniHdfs.client(MiniHdfs.plain()); FileSystem alice = Users.as("alice", conf)) {
            Path path = secret(superuser, "c");
            assertArrayEquals(DATA, MiniHdfs.read(alice, path.toString()));
            FileStatus status = alice.getFileStatus(path);
            superuser.setPermission(path, new FsPermission((short) 0));
            assertThrows(AccessControlException.class, () -> alice.open(path));
            assertThrows(ExecutionException.class,
                () -> alice.openFile(path).withFileStatus(status).build().get());
        }
    }

    @Test
    void aGrantExpires(@TempDir java.nio.file.Path root) throws Exception {
        Configuration conf = MiniHdfs.cached(root, Options.FRESHNESS, "200ms");
        try (FileSystem superuser = MiniHdfs.client(MiniHdfs.plain()); FileSystem alice = Users.as("alice", conf)) {
            Path path = secret(superuser, "d");
            assertArrayEquals(DATA, MiniHdfs.read(alice, path.toString()));
            superuser.setPermission(path, new FsPermission((short) 0));
            Thread.sleep(250);
            assertThrows(AccessControlException.class, () -> alice.open(path));
        }
    }

    /** The stream opens the origin late, and then the NameNode decides again. */
    @Test
    void whatIsNotCachedNeedsThePermissionNow(@TempDir java.nio.file.Path root) throws Exception {
        Configuration conf = MiniHdfs.cached(root, Options.FRESHNESS, "1h");
        try (FileSystem superuser = MiniHdfs.client(MiniHdfs.plain()); FileSystem alice = Users.as("alice", conf)) {
            Path path = secret(superuser, "e");
            try (FSDataInputStream in = alice.open(path)) {
                in.read();
            }
            Workers.quiesce();
            superuser.setPermission(path, new FsPermission((short) 0));
            try (FSDataInputStream in = alice.open(path)) {
                assertEquals(DATA[0] & 0xff, in.read());
                assertThrows(AccessControlException.class, () -> in.readFully(200_000, new byte[10]));
            }
        }
    }

    /** Who acts for another has that one's grants, and a principal is not the short name. */
    @Test
    void aGrantIsOneUsersAlone(@TempDir java.nio.file.Path root) throws Exception {
        Configuration conf = MiniHdfs.cached(root, Options.FRESHNESS, "1h");
        UserGroupInformation service = UserGroupInformation.createRemoteUser("service");
        UserGroupInformation alice = UserGroupInformation.createRemoteUser("alice");
        try (FileSystem superuser = MiniHdfs.client(MiniHdfs.plain());
             FileSystem direct = Users.as(alice, conf);
             FileSystem proxied = Users.as(UserGroupInformation.createProxyUser("alice", service), conf);
             FileSystem itself = Users.as(service, conf);
             FileSystem forBob = Users.as(UserGroupInformation.createProxyUser("bob", service), conf)) {
            Path path = secret(superuser, "proxied");
            assertArrayEquals(DATA, MiniHdfs.read(proxied, path.toString()));
            Workers.quiesce();
            assertThrows(AccessControlException.class, () -> itself.open(path));
            assertThrows(AccessControlException.class, () -> forBob.open(path));
            superuser.setPermission(path, new FsPermission((short) 0));
            for (FileSystem granted : new FileSystem[] {proxied, direct}) {
                assertArrayEquals(DATA, MiniHdfs.read(granted, path.toString()));
            }
        }
    }
}

package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.crypto.key.KeyProvider;
import org.apache.hadoop.crypto.key.KeyProviderFactory;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.util.StringUtils;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of an encryption zone. */
class EncryptedTest {
    private static final String MARK = "the plaintext of a secret. ";
    private static final byte[] DATA = text();

    @TempDir
    java.nio.file.Path root;
    private FileSystem plain;
    private Path path;

    private static byte[] text() {
        StringBuilder text = new StringBuilder();
        while (text.length() < 300_000) {
            text.append(MARK).append(text.length());
        }
        return text.toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    @BeforeEach
    void setUp() throws Exception {
        plain = MiniHdfs.client(MiniHdfs.plain());
        path = new Path(MiniHdfs.ENCRYPTED + "/" + System.nanoTime());
        MiniHdfs.write(plain, path.toString(), DATA);
    }

    @AfterEach
    void tearDown() throws Exception {
        AskedKeys.REFUSED.clear();
        AskedKeys.asked = () -> { };
        Workers.quiesce();
        plain.close();
    }

    /** Files below the root that hold the plaintext. */
    private List<String> leaks() throws IOException {
        try (Stream<java.nio.file.Path> all = Files.walk(root)) {
            return all.filter(Files::isRegularFile).filter(EncryptedTest::holdsPlaintext)
                .map(file -> root.relativize(file).toString()).collect(Collectors.toList());
        }
    }

    private static boolean holdsPlaintext(java.nio.file.Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains(MARK);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private void read(FileSystem fs, FileStatus brought) throws Exception {
        try (FSDataInputStream in = brought == null ? fs.open(path)
            : fs.openFile(path).withFileStatus(brought).build().get()) {
            byte[] middle = new byte[1000];
            in.readFully(100_000, middle);
            assertEquals(new String(DATA, 100_000, 1000, StandardCharsets.ISO_8859_1),
                new String(middle, StandardCharsets.ISO_8859_1));
            assertArrayEquals(DATA, MiniHdfs.toEnd(in));
        }
        Workers.quiesce();
    }

    private FileStatus rebuilt() throws IOException {
        FileStatus status = plain.getFileStatus(path);
        return new FileStatus(status.getLen(), false, 1, 1, status.getModificationTime(), status.getPath());
    }

    @Test
    void theirPlaintextIsNotKept() throws Exception {
        try (FileSystem fs = MiniHdfs.client(MiniHdfs.cached(root))) {
            for (FileStatus brought : new FileStatus[] {null, plain.getFileStatus(path), rebuilt()}) {
                read(fs, brought);
                assertEquals(0, leaks().size());
            }
        }
        // The search finds what there is.
        MiniHdfs.write(plain, "/plain/" + path.getName(), DATA);
        try (FileSystem fs = MiniHdfs.client(MiniHdfs.cached(root))) {
            MiniHdfs.read(fs, "/plain/" + path.getName());
            Workers.quiesce();
            assertEquals(5, leaks().size());
        }
    }

    @Test
    void aPrivateRootKeepsItWhenAsked() throws Exception {
        Configuration conf = MiniHdfs.cached(root, Options.CACHE_ENCRYPTED, "true", Options.FRESHNESS, "0");
        try (FileSystem fs = MiniHdfs.client(conf)) {
            read(fs, null);
            List<String> kept = leaks();
            assertEquals(5, kept.size());
            assertTrue(kept.stream().allMatch(file -> file.contains("%2Bplaintext/")), kept.toString());
            long origin = Stats.get(Stats.Counter.ORIGIN_BYTES);
            for (FileStatus brought : new FileStatus[] {null, plain.getFileStatus(path), rebuilt()}) {
                int lines = NameNodeCalls.audited("open", path.toString()).size();
                read(fs, brought);
                assertEquals(origin, Stats.get(Stats.Counter.ORIGIN_BYTES));
                assertEquals(lines + 1, NameNodeCalls.audited("open", path.toString()).size());
            }
            MiniHdfs.write(plain, path.toString(), GoldenMaker.bytes(1, DATA.length));
            assertArrayEquals(GoldenMaker.bytes(1, DATA.length), MiniHdfs.read(fs, path.toString()));
        }
    }

    @Test
    void aRootThatOthersMayReadDoesNot() throws Exception {
        for (int mode : new int[] {02770, 0750}) {
            Files.setAttribute(root, "unix:mode", mode);
            // Each with a store of its own.
            Configuration conf = MiniHdfs.cached(root, Options.CACHE_ENCRYPTED, "true", Options.LOCK_TIMEOUT,
                mode + "s");
            try (FileSystem fs = MiniHdfs.client(conf)) {
                long passed = Stats.get(Miss.ENCRYPTED);
                for (FileStatus brought : new FileStatus[] {null, plain.getFileStatus(path), rebuilt()}) {
                    read(fs, brought);
                }
                assertEquals(passed + 3, Stats.get(Miss.ENCRYPTED));
                assertEquals(0, leaks().size());
            }
        }
        Files.setAttribute(root, "unix:mode", 0700);
    }

    @Test
    void whomTheKeyServiceRefusesGetsNothing() throws Exception {
        Configuration conf = MiniHdfs.cached(root, Options.CACHE_ENCRYPTED, "true", Options.FRESHNESS, "0");
        try (FileSystem alice = Users.as("alice", conf); FileSystem bob = Users.as("bob", conf)) {
            read(alice, null);
            read(bob, null);
            AskedKeys.REFUSED.add("bob");
            for (FileStatus brought : new FileStatus[] {null, plain.getFileStatus(path), rebuilt()}) {
                Throwable refused = assertThrows(Exception.class, () -> read(bob, brought));
                assertTrue(refused.toString().contains("User:bob not allowed"), refused.toString());
                read(alice, brought);
            }
        }
    }

    /** Who may read the file, but not have its key, is granted nothing: not of a file that was in no zone before. */
    @Test
    void whomTheKeyServiceRefusesIsGrantedNothing() throws Exception {
        Configuration conf = MiniHdfs.cached(root, Options.CACHE_ENCRYPTED, "true", Options.FRESHNESS, "1h");
        Path zone = new Path("/becomes-a-zone-" + System.nanoTime());
        path = new Path(zone, "f");
        MiniHdfs.write(plain, path.toString(), GoldenMaker.bytes(1, DATA.length));
        try (FileSystem alice = Users.as("alice", conf); FileSystem bob = Users.as("bob", conf)) {
            assertArrayEquals(GoldenMaker.bytes(1, DATA.length), MiniHdfs.read(alice, path.toString()));
            Workers.quiesce();
            plain.rename(zone, zone.suffix("-away"));
            plain.mkdirs(zone);
            ((DistributedFileSystem) plain).createEncryptionZone(zone, "key");
            MiniHdfs.write(plain, path.toString(), DATA);
            AskedKeys.REFUSED.add("bob");
            for (int i = 0; i < 2; i++) {
                IOException refused = assertThrows(IOException.class, () -> MiniHdfs.read(bob, path.toString()));
                assertTrue(refused.toString().contains("User:bob not allowed"), refused.toString());
                read(alice, null);
            }
        }
    }

    /** The way out that helps where the NameNode is silent helps nobody whom a KMS does not answer. */
    @Test
    void aSilentKeyServiceIsNoSilentNameNode() throws Exception {
        KeyProvider kms = KeyProviderFactory.get(URI.create("kms://http@localhost:1/kms"), MiniHdfs.plain());
        AskedKeys.asked = () -> kms.getMetadata("key");
        try (FileSystem fs = MiniHdfs.client(MiniHdfs.cached(root, Options.CACHE_ENCRYPTED, "true"))) {
            IOException failed = assertThrows(IOException.class, () -> fs.open(path));
            assertTrue(StringUtils.stringifyException(failed).contains("Connection refused"), failed.toString());
            assertFalse(failed.getMessage().contains(Failures.UNREACHABLE), failed.getMessage());
        } finally {
            kms.close();
        }
    }

    /** Whichever thread of ours opens the file. */
    @Test
    void theKeyServiceIsAskedAsWhoOpens() throws Exception {
        // A thread keeps the user who happened to need the first one.
        for (int i = 0; i < 32; i++) {
            Workers.ask(() -> {
                Thread.sleep(20);
                return null;
            });
        }
        for (String keep : new String[] {"false", "true"}) {
            Configuration conf = MiniHdfs.cached(root, Options.CACHE_ENCRYPTED, keep, Options.FRESHNESS, "0");
            UserGroupInformation service = UserGroupInformation.createRemoteUser("service");
            try (FileSystem carol = Users.as(UserGroupInformation.createProxyUserForTesting("carol", service,
                new String[] {"carol"}), conf)) {
                for (FileStatus brought : new FileStatus[] {null, plain.getFileStatus(path), rebuilt()}) {
                    AskedKeys.GAVE.clear();
                    AskedKeys.REFUSED.add(UserGroupInformation.getLoginUser().getShortUserName());
                    try (FSDataInputStream in = UserGroupInformation.createRemoteUser("carol").doAs(
                        (java.security.PrivilegedExceptionAction<FSDataInputStream>) () -> brought == null
                            ? carol.open(path) : carol.openFile(path).withFileStatus(brought).build().get())) {
                        assertArrayEquals(DATA, MiniHdfs.toEnd(in));
                    }
                    assertFalse(AskedKeys.GAVE.isEmpty());
                    assertTrue(AskedKeys.GAVE.stream().allMatch("carol"::equals), AskedKeys.GAVE.toString());
                    AskedKeys.REFUSED.clear();
                    Workers.quiesce();
                }
            }
        }
    }

    @Test
    void whoIsAskedForWhereBytesAreFetchedSharesNoPlaintext() throws Exception {
        Configuration conf = MiniHdfs.cached(root, Options.CACHE_ENCRYPTED, "true", Options.AUTHORIZE, "fill");
        try (FileSystem alice = Users.as("alice", conf); FileSystem bob = Users.as("bob", conf)) {
            AskedKeys.REFUSED.add("bob");
            read(alice, null);
            assertTrue(leaks().stream().allMatch(file -> file.contains("%40alice%2Bplaintext/")), leaks().toString());
            for (FileStatus brought : new FileStatus[] {null, plain.getFileStatus(path), rebuilt()}) {
                Throwable refused = assertThrows(Exception.class, () -> read(bob, brought));
                assertTrue(refused.toString().contains("User:bob not allowed"), refused.toString());
                long origin = Stats.get(Stats.Counter.ORIGIN_BYTES);
                read(alice, brought);
                assertEquals(origin, Stats.get(Stats.Counter.ORIGIN_BYTES));
            }
        }
    }
}

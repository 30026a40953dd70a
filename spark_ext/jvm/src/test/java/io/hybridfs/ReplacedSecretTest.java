package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.Rename;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.security.AccessControlException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A secret that a file held before, or holds now: who may read the one is not served the other. */
class ReplacedSecretTest extends AliceAndBob {
    private static final int LENGTH = 300_000;
    private static final byte[] SECRET = new byte[LENGTH];
    private static final byte[] REDACTED = new byte[LENGTH];

    static {
        Random random = new Random(11);
        random.nextBytes(SECRET);
        random.nextBytes(REDACTED);
    }

    private Path path;

    @BeforeEach
    void setUp(TestInfo test) throws Exception {
        logIn("1h");
        path = new Path("/replaced/" + test.getTestMethod().get().getName() + "-" + System.nanoTime());
    }

    /** alice has the secret cached. */
    private FileStatus cachedSecret() throws Exception {
        FileStatus secret = write(path, SECRET, 0600);
        assertArrayEquals(SECRET, MiniHdfs.read(alice, path.toString()));
        Workers.quiesce();
        return secret;
    }

    /** As it is after a Spark job or driver has sent it on: it tells no validator. */
    private static FileStatus rebuilt(FileStatus status) {
        return new FileStatus(status.getLen(), false, 1, 1, status.getModificationTime(), status.getPath());
    }

    private static void assertNotServed(FileSystem fs, FileStatus brought) throws Exception {
        byte[] seen = new byte[0];
        try (FSDataInputStream in = fs.openFile(brought.getPath()).withFileStatus(brought).build().get()) {
            seen = MiniHdfs.toEnd(in);
        } catch (ExecutionException e) {
            assertTrue(e.getCause() instanceof FileChangedException, String.valueOf(e.getCause()));
        }
        assertFalse(Arrays.equals(SECRET, seen), "the secret was served");
        assertEquals(0, seen.length);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anOldStatusOpensNoSecretThatWasReplaced(boolean rebuilt) throws Exception {
        FileStatus secret = cachedSecret();
        FileStatus held = rebuilt ? rebuilt(secret) : bob.getFileStatus(path);
        write(path, REDACTED, 0644);
        assertNotServed(bob, held);
        assertArrayEquals(REDACTED, MiniHdfs.read(bob, path.toString()));
        assertNotServed(bob, held);
        // Who was granted that version goes on with it.
        try (FSDataInputStream in = alice.openFile(path).withFileStatus(secret).build().get()) {
            assertArrayEquals(SECRET, MiniHdfs.toEnd(in));
        }
    }

    /** Equal in all that a rebuilt status tells. */
    @Test
    void aStatusThatNamesBothOpensNoSecretThatWasReplaced() throws Exception {
        FileStatus secret = cachedSecret();
        write(path, REDACTED, 0644);
        superuser.setTimes(path, secret.getModificationTime(), -1);
        try (FSDataInputStream in = bob.openFile(path).withFileStatus(rebuilt(secret)).build().get()) {
            assertArrayEquals(REDACTED, MiniHdfs.toEnd(in));
        }
        assertNotServed(bob, secret);
    }

    /** The same file, time and length: the version names two contents. */
    @Test
    void aFileThatWasTruncatedAndWrittenAgainWithItsOldTimeIsNotServedFromTheCache() throws Exception {
        FileStatus secret = cachedSecret();
        if (!superuser.truncate(path, 1)) {
            while (!superuser.isFileClosed(path)) {
                Thread.sleep(20);
            }
        }
        byte[] changed = REDACTED.clone();
        changed[0] = SECRET[0];
        try (OutputStream out = superuser.append(path)) {
            out.write(changed, 1, LENGTH - 1);
        }
        superuser.setTimes(path, secret.getModificationTime(), -1);
        superuser.setPermission(path, new FsPermission((short) 0644));
        assertArrayEquals(changed, MiniHdfs.read(bob, path.toString()));
        assertArrayEquals(changed, MiniHdfs.read(bob, path.toString()));
    }

    /** The stream was opened while bob might, and is not read before he may not. */
    @Test
    void anOpenStreamGoesOverToNoSecretThatCameLater() throws Exception {
        write(path, REDACTED, 0644);
        Path other = path.suffix("-secret");
        write(other, SECRET, 0600);
        try (FSDataInputStream in = bob.open(path)) {
            superuser.rename(other, path, Rename.OVERWRITE);
            assertArrayEquals(SECRET, MiniHdfs.read(alice, path.toString()));
            Workers.quiesce();
            IOException refused = assertThrows(IOException.class, () -> MiniHdfs.toEnd(in));
            assertTrue(refused instanceof AccessControlException || refused instanceof FileChangedException,
                refused.toString());
        }
    }

    @Test
    void aRightToAnotherFileOfThatNameIsNoneToThisOne() throws Exception {
        FileStatus secret = cachedSecret();
        FileStatus held = bob.getFileStatus(path);
        Path aside = path.suffix("-aside");
        superuser.rename(path, aside);
        write(path, REDACTED, 0644);
        assertArrayEquals(REDACTED, MiniHdfs.read(bob, path.toString()));
        Workers.quiesce();
        superuser.rename(aside, path, Rename.OVERWRITE);
        assertEquals(secret.getModificationTime(), superuser.getFileStatus(path).getModificationTime());
        assertThrows(AccessControlException.class, () -> bob.open(path));
        ExecutionException e = assertThrows(ExecutionException.class,
            () -> bob.openFile(path).withFileStatus(held).build().get());
        assertTrue(e.getCause() instanceof AccessControlException, String.valueOf(e.getCause()));
    }
}

package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.security.PrivilegedExceptionAction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.Rename;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.protocol.LocatedBlocks;
import org.apache.hadoop.security.UserGroupInformation;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A file that is replaced between two questions of one opening: what the user may read stays apart from a secret. */
class RacesTest extends AliceAndBob {
    private static final byte[] SECRET = GoldenMaker.bytes(21, 200_000);
    private static final byte[] REDACTED = GoldenMaker.bytes(22, 200_000);

    /** Which question the file is replaced before. */
    enum Before {
        FIRST_PERMISSION, SECOND_PERMISSION, FIRST_VERSION, SECOND_VERSION
    }

    private Path path;
    private Path other;

    @BeforeEach
    void setUp() throws Exception {
        logIn("0");
        path = new Path("/races/" + System.nanoTime());
        other = path.suffix("-other");
    }

    /** Puts the other file in the file's place, once, before the question that is told. */
    private final class Replacing implements HdfsOrigin.Client {
        private final List<String> asked = new ArrayList<>();
        private final Before when;
        private final boolean olderHadoop;

        Replacing(Before when, boolean olderHadoop) {
            this.when = when;
            this.olderHadoop = olderHadoop;
        }

        private synchronized void before(String question) throws IOException {
            asked.add(question);
            boolean second = asked.stream().filter(question::equals).count() == 2;
            if (when.name().equals((second ? "SECOND_" : "FIRST_") + question) && superuser.exists(other)) {
                superuser.rename(other, path, Rename.OVERWRITE);
            }
        }

        @Override
        public FSDataInputStream openOrigin(Path file) throws IOException {
            before("PERMISSION");
            return bob.openOrigin(file);
        }

        @Override
        public LocatedBlocks headAtOrigin(Path file) throws IOException {
            before("PERMISSION");
            return bob.headAtOrigin(file);
        }

        @Override
        public FileStatus statusAtOrigin(Path file) throws IOException {
            before("VERSION");
            return bob.statusAtOrigin(file);
        }

        @Override
        public LocatedFile locatedAtOrigin(Path file) throws IOException {
            if (olderHadoop) {
                return LocatedFile.inTurn(this, file);
            }
            before("VERSION");
            return bob.locatedAtOrigin(file);
        }
    }

    static Stream<Object[]> races() {
        List<Object[]> all = new ArrayList<>();
        for (Before when : Before.values()) {
            for (boolean secretFirst : new boolean[] {false, true}) {
                for (int how = 0; how < 6; how++) { // what is known matters to newer Hadoops only
                    all.add(new Object[] {when, secretFirst, (how & 1) > 0, (how & 2) > 0, (how & 4) > 0});
                }
            }
        }
        return all.stream();
    }

    @ParameterizedTest
    @MethodSource("races")
    void noRaceServesTheSecret(Before when, boolean secretFirst, boolean brought, boolean known, boolean older)
        throws Exception {
        FileStatus secret = write(path, SECRET, 0600);
        assertArrayEquals(SECRET, MiniHdfs.read(alice, path.toString()));
        Workers.quiesce();
        write(other, REDACTED, 0644);
        if (!secretFirst) {
            Path aside = path.suffix("-aside");
            superuser.rename(path, aside);
            superuser.rename(other, path);
            superuser.rename(aside, other);
        }
        if (!known) {
            Proven.forget();
        }
        UserGroupInformation user = UserGroupInformation.createRemoteUser("bob");
        Cache cache = new Cache(new Replacing(when, older), new Options(bob.getConf()), MiniHdfs.cluster().getURI(),
            bob.getConf(), user, new FileSystem.Statistics("hdfs"));
        byte[] seen = null;
        String failure = "";
        try (FSDataInputStream in = user.doAs((PrivilegedExceptionAction<FSDataInputStream>) () ->
            new Opening(cache, bob.makeQualified(path), brought ? secret : null).stream(Long.MAX_VALUE))) {
            seen = MiniHdfs.toEnd(in);
        } catch (IOException e) {
            failure = e.toString();
        }
        assertFalse(Arrays.equals(SECRET, seen), "the secret was served");
        if (seen != null) {
            assertArrayEquals(REDACTED, seen);
        } else {
            assertTrue(failure.contains("Permission denied") || failure.contains("REFRESH TABLE"), failure);
        }
        Workers.quiesce();
        // Nor did any of it come under the other's version.
        superuser.setPermission(path, new FsPermission((short) 0644));
        byte[] present = MiniHdfs.read(superuser, path.toString());
        assertArrayEquals(present, MiniHdfs.read(alice, path.toString()));
    }
}

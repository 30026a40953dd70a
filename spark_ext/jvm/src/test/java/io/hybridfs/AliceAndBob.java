package io.hybridfs;

import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** Two users of one root: files are alice's, and bob may read them or not. */
abstract class AliceAndBob {
    @TempDir
    java.nio.file.Path root;
    DistributedFileSystem superuser;
    FileSystem alice;
    HybridFileSystem bob;

    final void logIn(String freshness) throws Exception {
        Configuration conf = MiniHdfs.cached(root, Options.FRESHNESS, freshness);
        superuser = (DistributedFileSystem) MiniHdfs.client(MiniHdfs.plain());
        alice = Users.as("alice", conf);
        bob = (HybridFileSystem) Users.as("bob", conf);
    }

    @AfterEach
    final void logOut() throws Exception {
        Workers.quiesce();
        bob.close();
        alice.close();
        superuser.close();
    }

    final FileStatus write(Path file, byte[] data, int mode) throws IOException {
        return Users.writeForAlice(superuser, file, data, mode);
    }
}

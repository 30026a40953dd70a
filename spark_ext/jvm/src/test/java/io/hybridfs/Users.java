package io.hybridfs;

import java.io.IOException;
import java.security.PrivilegedExceptionAction;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.security.UserGroupInformation;

/** Clients of other users of HDFS. */
final class Users {
    private Users() {
    }

    static FileSystem as(String user, Configuration conf) throws Exception {
        return as(UserGroupInformation.createRemoteUser(user), conf);
    }

    static FileSystem as(UserGroupInformation user, Configuration conf) throws Exception {
        return user.doAs((PrivilegedExceptionAction<FileSystem>) () -> MiniHdfs.client(conf));
    }

    /** A file of alice's. */
    static FileStatus writeForAlice(FileSystem superuser, Path file, byte[] data, int mode) throws IOException {
        MiniHdfs.write(superuser, file.toString(), data);
        superuser.setOwner(file, "alice", "alice");
        superuser.setPermission(file, new FsPermission((short) mode));
        return superuser.getFileStatus(file);
    }

    static FileSystem of(String user, PrivilegedExceptionAction<FileSystem> client) throws Exception {
        return UserGroupInformation.createRemoteUser(user).doAs(client);
    }
}

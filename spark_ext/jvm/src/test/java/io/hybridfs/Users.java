package io.hybridfs;

import java.security.PrivilegedExceptionAction;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
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

    static FileSystem of(String user, PrivilegedExceptionAction<FileSystem> client) throws Exception {
        return UserGroupInformation.createRemoteUser(user).doAs(client);
    }
}

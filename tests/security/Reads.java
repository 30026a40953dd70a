import java.io.InputStream;
import java.math.BigInteger;
import java.security.MessageDigest;
import java.security.PrivilegedExceptionAction;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.security.UserGroupInformation;

/**
 * {@code Reads URL KEY=VALUE… USER…}: opens and reads the file through the jar, with these properties, as each of the
 * users in turn, for whom this process acts; as itself without any. A line each: a digest, or an error's class and text.
 */
public class Reads {
    public static void main(String[] arguments) throws Exception {
        Configuration conf = new Configuration();
        conf.set("fs.hdfs.impl", "io.hybridfs.HybridFileSystem");
        Path path = new Path(arguments[0]);
        boolean anyone = false;
        for (int i = 1; i < arguments.length; i++) {
            int equals = arguments[i].indexOf('=');
            if (equals > 0) {
                conf.set(arguments[i].substring(0, equals), arguments[i].substring(equals + 1));
            } else {
                anyone = true;
                UserGroupInformation self = UserGroupInformation.getLoginUser();
                say(UserGroupInformation.createProxyUser(arguments[i], self), path, conf);
            }
        }
        if (!anyone) {
            say(UserGroupInformation.getLoginUser(), path, conf);
        }
    }

    private static void say(UserGroupInformation user, Path path, Configuration conf) {
        String said;
        try {
            said = user.doAs((PrivilegedExceptionAction<String>) () -> digest(path, conf));
        } catch (Exception error) {
            said = "refused: " + error;
        }
        System.out.println(said.replace("\n", " "));
    }

    private static String digest(Path path, Configuration conf) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        try (InputStream in = path.getFileSystem(conf).open(path)) {
            byte[] buffer = new byte[65536];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
        }
        return String.format("%064x", new BigInteger(1, digest.digest()));
    }
}

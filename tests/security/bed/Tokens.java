import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.security.UserGroupInformation;

/** `Tokens PRINCIPAL KEYTAB`: a delegation token of the principal for the default file system, as WebHDFS takes it. */
public class Tokens {
    public static void main(String[] arguments) throws Exception {
        UserGroupInformation.loginUserFromKeytab(arguments[0], arguments[1]);
        System.out.println(FileSystem.get(new Configuration()).getDelegationToken("none").encodeToUrlString());
    }
}

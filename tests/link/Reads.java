import java.io.InputStream;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Prints how many bytes of the files named it read. Their configuration is on the class path. */
public final class Reads {
  public static void main(String[] urls) throws Exception {
    long total = 0;
    byte[] buffer = new byte[1 << 16];
    for (String url : urls) {
      try (InputStream in = FileSystem.get(URI.create(url), new Configuration()).open(new Path(url))) {
        for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
          total += n;
        }
      }
    }
    System.out.println(total);
  }
}

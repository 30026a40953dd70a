import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.util.Scanner;

/** Takes and frees one-byte locks of a file by lines: "lock 7" is answered with "got" or "busy", "free" with "freed". */
public class HoldLock {
    public static void main(String[] args) throws Exception {
        try (FileChannel channel = new RandomAccessFile(args[0], "rw").getChannel()) {
            FileLock held = null;
            Scanner lines = new Scanner(System.in);
            while (lines.hasNextLine()) {
                String[] words = lines.nextLine().split(" ");
                if (words[0].equals("lock")) {
                    held = channel.tryLock(Long.parseLong(words[1]), 1, false);
                    System.out.println(held == null ? "busy" : "got");
                } else {
                    held.release();
                    System.out.println("freed");
                }
            }
        }
    }
}

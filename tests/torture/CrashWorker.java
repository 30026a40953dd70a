package io.hybridfs;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;

/**
 * The store of the jar, which does to the blocks of crash_scenes.py what it is told by lines of words with tabs between
 * them: {@code store KEY=VALUE...}, {@code arm} (from here on system calls count, see syscalls.c),
 * {@code publish FILE/BLOCK...}, {@code look FILE/BLOCK...}. Arguments: the directory with the blocks' data, the length
 * of a file. Each line is answered by one: how many blocks were published or sound, or what is wrong.
 */
public final class CrashWorker {
    private final Path data;
    private final long length;
    private Store store;

    private CrashWorker(Path data, long length) {
        this.data = data;
        this.length = length;
    }

    public static void main(String[] args) throws Exception {
        CrashWorker worker = new CrashWorker(Paths.get(args[0]), Long.parseLong(args[1]));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split("\t");
            String answer;
            try {
                answer = Integer.toString(worker.done(words[0], Arrays.copyOfRange(words, 1, words.length)));
                Workers.quiesce();
            } catch (Throwable raised) {
                answer = raised.toString().replace('\n', ' ');
            }
            System.out.println(answer);
        }
    }

    private int done(String verb, String[] words) throws IOException {
        int done = 0;
        switch (verb) {
            case "store":
                Configuration conf = new Configuration(false);
                for (String pair : words) {
                    conf.set(pair.split("=", 2)[0], pair.split("=", 2)[1]);
                }
                store = Store.of(new Options(conf));
                return store == null ? 0 : 1;
            case "arm":
                return Files.readAllBytes(Paths.get(System.getenv("SYSCALLS_CONTROL"))).length;
            default:
                for (String word : words) {
                    done += store != null && one(verb, word) ? 1 : 0;
                }
                return done;
        }
    }

    private boolean one(String verb, String word) throws IOException {
        int file = Integer.parseInt(word.split("/")[0]);
        long block = Long.parseLong(word.split("/")[1]);
        byte[] expected = Files.readAllBytes(data.resolve(file + "-" + block));
        Layout layout = new Layout("test", "test://origin/" + file, "7", length, store.blockSize);
        long validator = 1000 + file;
        if (verb.equals("publish")) {
            return store.publish(layout, validator, block, expected, 0) == null;
        }
        CachedBlock found = store.find(layout, validator, block, new Reasons());
        if (found == null) {
            return false;
        }
        byte[] got = new byte[found.length];
        try {
            found.read(0, ByteBuffer.wrap(got));
        } catch (IOException e) {
            found.tier.unreadable(found.path, e);
            return false;
        } finally {
            found.close();
        }
        if (!Arrays.equals(got, expected)) {
            throw new IllegalStateException("wrong bytes of " + word);
        }
        return true;
    }
}

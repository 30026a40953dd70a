package io.hybridfs;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;

/**
 * Reads blocks out of cache roots as it is told by lines, and says what it got and what it did to them; the answers are
 * those of fuzz.py. Words have tabs between them: {@code read|publish ROOT BLOCK_SIZE DOMAIN URI TOKEN LENGTH FILE_ID
 * BLOCK AT SIZE [SOURCE]}; SOURCE is a file with the data to publish.
 */
public final class FuzzReader {
    private static final Stats.Counter[] COUNTED =
        {Stats.Counter.CORRUPT, Stats.Counter.VERSION_CHANGED, Stats.Counter.TIER_FAULTS};
    private static final Map<String, Store> STORES = new HashMap<>();

    private FuzzReader() {
    }

    public static void main(String[] args) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String answer;
            try {
                answer = answer(line.split("\t", -1));
            } catch (Throwable crash) {
                answer = "crash " + crash.toString().replace('\n', ' ');
            }
            System.out.println(answer);
        }
    }

    private static String answer(String[] words) throws IOException {
        Store store = STORES.computeIfAbsent(words[1], root -> open(root, words[2]));
        Layout layout = new Layout(words[3], words[4], words[5], Long.parseLong(words[6]), store.blockSize);
        long validator = Long.parseUnsignedLong(words[7]);
        long block = Long.parseLong(words[8]);
        if (words[0].equals("publish")) {
            byte[] data = Files.readAllBytes(Paths.get(words[11]));
            store.publish(layout, validator, block, data, 0);
            return layout.path(block);
        }
        long[] before = counts();
        String got = read(store, layout, validator, block, Integer.parseInt(words[9]), Integer.parseInt(words[10]));
        StringBuilder told = new StringBuilder(got);
        long[] after = counts();
        for (int i = 0; i < COUNTED.length; i++) {
            told.append(' ').append(after[i] - before[i]);
        }
        return told.toString();
    }

    private static Store open(String root, String blockSize) {
        Configuration conf = new Configuration(false);
        conf.set(Options.CACHE_DIR, root);
        conf.set(Options.BLOCK_SIZE, blockSize);
        conf.set(Options.MIN_FREE, "0");
        Store store = Store.of(new Options(conf));
        if (store == null) {
            throw new IllegalStateException(root + " cannot be used");
        }
        return store;
    }

    /** First some bytes of it, then all: the digest of each, or "refused". */
    private static String read(Store store, Layout layout, long validator, long block, int at, int size) {
        CachedBlock found = store.find(layout, validator, block, new Reasons());
        String part = "refused";
        String whole = "refused";
        if (found != null) {
            try {
                part = digest(found, at, size);
                whole = digest(found, 0, found.length);
            } catch (IOException e) {
                found.tier.unreadable(found.path, e);
            } finally {
                found.close();
            }
        }
        return part + ' ' + whole;
    }

    private static String digest(CachedBlock found, int at, int size) throws IOException {
        ByteBuffer into = ByteBuffer.allocate(size);
        found.read(at, into);
        MessageDigest digest = Digests.sha256();
        digest.update(into.array());
        return Digests.hex(digest.digest()).substring(0, 32);
    }

    private static long[] counts() {
        long[] values = new long[COUNTED.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = Stats.get(COUNTED[i]);
        }
        return values;
    }
}

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.hybridfs.HybridFileSystem;
import io.hybridfs.Stats;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.DistributedFileSystem;

/**
 * Reads and changes files through the cache and plain HDFS in one JVM, told by lines of JSON: the configuration, then
 * batches of operations, a list for each lane, of which each is a thread. It answers each batch with what it found.
 */
public final class TortureWorker {
    private static final ObjectMapper JSON = new ObjectMapper();

    private TortureWorker() {
    }

    public static void main(String[] args) throws Exception {
        PrintStream answers = System.out;
        System.setOut(System.err);  // for what is logged
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        JsonNode config = JSON.readTree(lines.readLine());
        List<Path> paths = new ArrayList<>();
        List<List<Content>> versions = new ArrayList<>();
        for (JsonNode path : config.get("paths")) {
            paths.add(new Path(config.get("url").asText() + path.asText()));
            versions.add(new ArrayList<>());
        }
        ByteBuffer board;
        try (RandomAccessFile file = new RandomAccessFile(config.get("board").asText(), "rw")) {
            board = file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, file.length());
        }
        learn(versions, config.path("versions"));
        FileSystem cached = fileSystem(config, HybridFileSystem.class);
        FileSystem plain = fileSystem(config, DistributedFileSystem.class);
        List<Checker> checkers = new ArrayList<>();
        List<Lane> lanes = new ArrayList<>();
        for (int i = 0; i < config.get("lanes").asInt(); i++) {
            checkers.add(new Checker(board, versions));
            lanes.add(new Lane(checkers.get(i), cached, plain, paths));
        }
        ExecutorService threads = Executors.newFixedThreadPool(lanes.size());
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonNode batch = JSON.readTree(line);
            learn(versions, batch.path("versions"));
            try {
                run(threads, lanes, batch, paths.size());
            } catch (ExecutionException e) {
                e.getCause().printStackTrace();
                System.exit(1);
            }
            answers.println(answer(checkers));
        }
        threads.shutdown();
    }

    private static FileSystem fileSystem(JsonNode config, Class<?> implementation) throws Exception {
        Configuration conf = new Configuration();
        for (Iterator<Map.Entry<String, JsonNode>> each = config.get("conf").fields(); each.hasNext(); ) {
            Map.Entry<String, JsonNode> entry = each.next();
            conf.set(entry.getKey(), entry.getValue().asText());
        }
        conf.set("fs.hdfs.impl", implementation.getName());
        return FileSystem.newInstance(URI.create(config.get("url").asText()), conf);
    }

    private static void learn(List<List<Content>> versions, JsonNode news) {
        for (Iterator<Map.Entry<String, JsonNode>> each = news.fields(); each.hasNext(); ) {
            Map.Entry<String, JsonNode> entry = each.next();
            for (JsonNode packed : entry.getValue()) {
                versions.get(Integer.parseInt(entry.getKey())).add(new Content(JSON.convertValue(packed, long[].class)));
            }
        }
    }

    private static void run(ExecutorService threads, List<Lane> lanes, JsonNode batch, int files) throws Exception {
        List<Future<?>> running = new ArrayList<>();
        for (int i = 0; i < lanes.size(); i++) {
            Lane lane = lanes.get(i);
            JsonNode order = batch.get("random");
            Iterator<long[]> operations = order == null ? listed(batch.get("lanes").get(i))
                : new RandomReads(order.get("seed").asLong() + i, order.get("seconds").asDouble(), files);
            running.add(threads.submit(() -> {
                lane.run(operations);
                return null;
            }));
        }
        for (Future<?> each : running) {
            each.get();
        }
    }

    private static Iterator<long[]> listed(JsonNode operations) {
        return Arrays.asList(JSON.convertValue(operations, long[][].class)).iterator();
    }

    private static long residentBytes() throws IOException {
        String pages = new String(Files.readAllBytes(Paths.get("/proc/self/statm")), StandardCharsets.US_ASCII);
        return Long.parseLong(pages.split(" ")[1]) * 4096;
    }

    private static String answer(List<Checker> checkers) throws Exception {
        ObjectNode answer = JSON.createObjectNode();
        ObjectNode counts = answer.putObject("counts");
        ObjectNode errors = answer.putObject("errors");
        List<Object> violations = new ArrayList<>();
        for (Checker checker : checkers) {
            add(counts, checker.counts);
            add(errors, checker.errors);
            violations.addAll(checker.violations);
            checker.violations.clear();
        }
        answer.set("violations", JSON.valueToTree(violations));
        answer.put("pid", ProcessHandle.current().pid());
        answer.put("descriptors", new File("/proc/self/fd").list().length);
        answer.put("memory", residentBytes());
        answer.set("stats", JSON.readTree(Stats.snapshot()));
        return JSON.writeValueAsString(answer);
    }

    private static void add(ObjectNode sums, Map<String, Long> counts) {
        counts.forEach((name, amount) -> sums.put(name, sums.path(name).asLong() + amount));
        counts.clear();
    }
}

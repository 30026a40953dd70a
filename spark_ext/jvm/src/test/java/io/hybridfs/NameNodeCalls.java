package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.hdfs.security.token.delegation.DelegationTokenSecretManager;
import org.apache.hadoop.hdfs.server.namenode.HdfsAuditLogger;
import org.apache.hadoop.ipc.CallerContext;
import org.apache.hadoop.metrics2.AbstractMetric;
import org.apache.hadoop.metrics2.impl.MetricsCollectorImpl;
import org.apache.hadoop.metrics2.impl.MetricsSystemImpl;
import org.apache.hadoop.metrics2.lib.DefaultMetricsSystem;
import org.apache.hadoop.security.UserGroupInformation;

/** What the NameNode of {@link MiniHdfs} was asked, by its own metrics and by its audit log. */
public final class NameNodeCalls extends HdfsAuditLogger {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final List<String> AUDITED = Collections.synchronizedList(new ArrayList<>());
    private static final List<String> CONTEXTS = Collections.synchronizedList(new ArrayList<>());

    @Override
    public void initialize(Configuration conf) {
    }

    @Override
    public void logAuditEvent(boolean allowed, String user, InetAddress address, String command, String source,
                              String target, FileStatus status, UserGroupInformation ugi,
                              DelegationTokenSecretManager tokens) {
        AUDITED.add(command + " " + source + " " + user.split(" ")[0] + (allowed ? "" : " refused"));
    }

    @Override
    public void logAuditEvent(boolean allowed, String user, InetAddress address, String command, String source,
                              String target, FileStatus status, CallerContext caller, UserGroupInformation ugi,
                              DelegationTokenSecretManager tokens) {
        CONTEXTS.add(source + " " + (caller == null ? "none" : caller.getContext()));
        logAuditEvent(allowed, user, address, command, source, target, status, ugi, tokens);
    }

    /** Caller contexts of all lines about a file since the process began. */
    static Set<String> contexts(String file) {
        Set<String> contexts = new TreeSet<>();
        synchronized (CONTEXTS) {
            CONTEXTS.stream().filter(line -> line.startsWith(file + " "))
                .forEach(line -> contexts.add(line.substring(file.length() + 1)));
        }
        return contexts;
    }

    /** Lines of a command and a file since the process began: {@code <command> <file> <user>[ refused]}. */
    static List<String> audited(String command, String file) {
        List<String> lines = new ArrayList<>();
        synchronized (AUDITED) {
            AUDITED.stream().filter(line -> line.startsWith(command + " " + file + " ")).forEach(lines::add);
        }
        return lines;
    }

    /** Calls of clients, by method: {@code GetBlockLocations} and so on; those of DataNodes are left out. */
    static Map<String, Long> byClients() {
        MetricsCollectorImpl collector = new MetricsCollectorImpl();
        ((MetricsSystemImpl) DefaultMetricsSystem.instance())
            .getSource("RpcDetailedActivityForPort" + MiniHdfs.cluster().getNameNodePort())
            .getMetrics(collector, true);
        Map<String, Long> calls = new TreeMap<>();
        for (AbstractMetric metric : collector.getRecords().get(0).metrics()) {
            String name = metric.name().replace("NumOps", "");
            if (name.length() < metric.name().length() && !name.startsWith("Overall") && !name.startsWith("Send")
                && !name.startsWith("Block") && !name.startsWith("Register") && !name.startsWith("RenewLease")
                && metric.value().longValue() > 0) {
                calls.put(name, metric.value().longValue());
            }
        }
        return calls;
    }

    interface Action {
        void run() throws Exception;
    }

    /** When no more calls have come in for a while. */
    private static Map<String, Long> settled(long millis) throws InterruptedException {
        Map<String, Long> calls = byClients();
        for (long since = System.nanoTime(); System.nanoTime() - since < TimeUnit.MILLISECONDS.toNanos(millis); ) {
            Thread.sleep(20);
            Map<String, Long> later = byClients();
            if (!later.equals(calls)) {
                calls = later;
                since = System.nanoTime();
            }
        }
        return calls;
    }

    private static Map<String, Long> since(Map<String, Long> before, Map<String, Long> now) {
        Map<String, Long> calls = new TreeMap<>(now);
        before.forEach((name, count) -> calls.merge(name, -count, Long::sum));
        calls.values().removeIf(count -> count == 0);
        return calls;
    }

    /**
     * That {@code action} makes these calls, by method, and no others. A call is counted after it was answered, if the
     * host is slow long after.
     */
    static void assertMakes(Map<String, Long> expected, Action action) throws Exception {
        Map<String, Long> before = settled(200);
        action.run();
        long start = System.nanoTime();
        while (!expected.equals(since(before, byClients())) && System.nanoTime() - start < PATIENCE_NANOS) {
            Thread.sleep(5);
        }
        assertEquals(expected, since(before, settled(60)));
    }
}

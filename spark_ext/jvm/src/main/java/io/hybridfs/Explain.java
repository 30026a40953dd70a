package io.hybridfs;

import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;

/** How directories were last listed in this process. */
public final class Explain {
    private static final int MOST = 10_000;
    private static final Map<String, Answer> ANSWERS = new LinkedHashMap<String, Answer>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Answer> eldest) {
            return size() > MOST;
        }
    };
    /** Canonical authorities by those that file systems were opened by. */
    private static final Map<String, String> AUTHORITIES = new ConcurrentHashMap<>();

    private Explain() {
    }

    /** Where an answer came from. */
    enum Source { ORIGIN, ENTRY, PREFETCHED }

    private static final class Answer {
        final Listings.Mode mode;
        final Source source;
        final long askedNanos;
        final int rpcs;
        final int rpcsPlain;
        final long answeredNanos = System.nanoTime();
        final long answeredMillis = System.currentTimeMillis();

        Answer(Listings.Mode mode, Source source, long askedNanos, int rpcs, int rpcsPlain) {
            this.mode = mode;
            this.source = source;
            this.askedNanos = askedNanos;
            this.rpcs = rpcs;
            this.rpcsPlain = rpcsPlain;
        }

        String json() {
            long age = TimeUnit.NANOSECONDS.toMillis(answeredNanos - askedNanos);
            return String.format(Locale.ROOT, "{\"mode\": \"%s\", \"source\": \"%s\", \"age\": %.3f, \"rpcs\": %d, "
                + "\"rpcs_plain\": %d, \"when\": %.3f}", mode.name().toLowerCase(Locale.ROOT),
                source.name().toLowerCase(Locale.ROOT), age / 1e3, rpcs, rpcsPlain, answeredMillis / 1e3);
        }
    }

    static void knows(String authority, String canonical) {
        AUTHORITIES.put(String.valueOf(authority).toLowerCase(Locale.ROOT), canonical);
    }

    /** {@code askedNanos}: when the NameNode was asked for what was answered. */
    static void answered(String uri, Listings.Mode mode, Source source, long askedNanos, int rpcs, int rpcsPlain) {
        Answer answer = new Answer(mode, source, askedNanos, rpcs, rpcsPlain);
        synchronized (ANSWERS) {
            ANSWERS.put(uri, answer);
        }
    }

    /**
     * The last listing of a directory as one JSON object: {@code mode} (the option {@code listings} as it held),
     * {@code source} (origin, entry or prefetched), {@code age} (seconds from the question to the NameNode to the
     * answer), {@code rpcs} (answers of the NameNode that this listing itself took), {@code rpcs_plain} (that plain
     * HDFS would have taken), {@code when} (seconds since the epoch); {@code null} if it was not listed here, or long
     * ago. From SQL: {@code SELECT java_method('io.hybridfs.Explain', 'listing', 'hdfs://namenode:8020/table')}.
     */
    public static String listing(String uri) {
        URI given = new org.apache.hadoop.fs.Path(uri).toUri();
        String authority = given.getAuthority();
        if (authority == null || given.getPath() == null) {
            throw new IllegalArgumentException("'" + uri + "' names no directory of an HDFS, such as "
                + "hdfs://namenode:8020/warehouse/table");
        }
        String known = AUTHORITIES.get(authority.toLowerCase(Locale.ROOT));
        String canonical = known != null ? known : CanonicalUri.authority(new Configuration(false), given);
        synchronized (ANSWERS) {
            Answer answer = ANSWERS.get(CanonicalUri.file(canonical, given.getPath()));
            return answer == null ? "null" : answer.json();
        }
    }
}

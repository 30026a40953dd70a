package io.hybridfs;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A file with a line for each open and close, in HDFS's own form. It informs; the NameNode's audit log decides. */
final class Audit {
    private static final Logger LOG = LoggerFactory.getLogger(Audit.class);
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss,SSS", Locale.ROOT);
    private static final String ADDRESS = address();

    private final AtomicBoolean warned = new AtomicBoolean();
    private final Path file;
    private final String user;

    /** {@code file}: null = none. {@code user}: name and method, as HDFS writes them. */
    Audit(Path file, String user) {
        this.file = file;
        this.user = user;
    }

    /** {@code modes}: those of the root, by which the file is made. */
    void opened(String path, boolean allowed, Modes modes) {
        write("allowed=" + allowed, "open", path, "", modes);
    }

    void closed(String path, Traffic traffic, Modes modes) {
        write("allowed=true", "close", path,
            "\thit=" + traffic.hit.sum() + "\tmiss=" + traffic.miss.sum(), modes);
    }

    private void write(String allowed, String command, String path, String more, Modes modes) {
        if (file == null) {
            return;
        }
        String line = TIME.format(LocalDateTime.now()) + " INFO hybridfs.audit: " + allowed + "\tugi=" + escaped(user)
            + "\tip=/" + ADDRESS + "\tcmd=" + command + "\tsrc=" + escaped(path)
            + "\tdst=null\tperm=null\tproto=hybridfs" + more + "\n";
        try {
            append(line.getBytes(StandardCharsets.UTF_8), modes);
        } catch (IOException | RuntimeException e) {
            Stats.count(Stats.Counter.AUDIT_FAULTS);
            if (warned.compareAndSet(false, true)) {
                LOG.warn("hybridfs: {} = {} cannot be written: {}. Reads go on without it.", Options.AUDIT, file,
                    e.toString());
            }
        }
    }

    /** An interrupt, of a task that is killed, closes whatever file it meets: no line is lost by one. */
    private void append(byte[] line, Modes modes) throws IOException {
        boolean interrupted = false;
        try {
            while (true) {
                interrupted |= Thread.interrupted();
                try (FileChannel out = modes.open(file, StandardOpenOption.WRITE, StandardOpenOption.APPEND,
                    LinkOption.NOFOLLOW_LINKS)) {
                    out.write(ByteBuffer.wrap(line));
                    return;
                } catch (ClosedByInterruptException justNow) {
                    interrupted = true; // the line may be there: better twice than not at all
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** So that no name makes a line or a field of its own. */
    static String escaped(String name) {
        StringBuilder safe = new StringBuilder();
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (c == '\\') {
                safe.append("\\\\");
            } else if (c == '\t') {
                safe.append("\\t");
            } else if (c == '\n') {
                safe.append("\\n");
            } else if (c == '\r') {
                safe.append("\\r");
            } else if (Character.isISOControl(c) || c == '\u2028' || c == '\u2029') {
                safe.append(String.format("\\u%04x", (int) c));
            } else {
                safe.append(c);
            }
        }
        return safe.toString();
    }

    private static String address() {
        try {
            return InetAddress.getLocalHost().getHostAddress();
        } catch (UnknownHostException nameless) {
            return InetAddress.getLoopbackAddress().getHostAddress();
        }
    }
}

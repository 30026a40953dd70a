package io.hybridfs;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What the latest version of each file holds, as the NameNode once told both in one answer. It is true for ever, and
 * saves the question for the version: who may open a file of that content may read that version.
 */
final class Proven {
    private static final int MOST = 20_000;
    private static final Map<String, Proven> BY_URI = new LinkedHashMap<String, Proven>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Proven> eldest) {
            return size() > MOST;
        }
    };

    final FileVersion version;
    final Content content;

    private Proven(FileVersion version, Content content) {
        this.version = version;
        this.content = content;
    }

    /** Of the latest version that is known of a file; null if none is. */
    static Proven latest(String uri) {
        synchronized (BY_URI) {
            return BY_URI.get(uri);
        }
    }

    /** Null if it is not known of this version. */
    static Proven of(FileVersion version) {
        Proven known = latest(version.uri);
        return known != null && known.version.matches(version) ? known : null;
    }

    /**
     * Of a complete file. False if that version is known to have held something else: its time and length were set
     * back, and then they name no version.
     */
    static boolean remember(FileVersion version, Content content) {
        synchronized (BY_URI) {
            Proven known = BY_URI.get(version.uri);
            if (known == null || !known.version.matches(version)) {
                BY_URI.put(version.uri, new Proven(version, content));
                return true;
            }
            return known.content.equals(content);
        }
    }

    /** As in a new process. */
    static void forget() {
        synchronized (BY_URI) {
            BY_URI.clear();
        }
    }
}

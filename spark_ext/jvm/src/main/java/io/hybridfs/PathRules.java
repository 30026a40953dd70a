package io.hybridfs;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/** Which paths are never cached: those that writers use for what is not final yet. */
final class PathRules {
    private static final Set<String> TABLE_METADATA = new HashSet<>(Arrays.asList("_delta_log", "metadata"));

    private PathRules() {
    }

    /** Whether a component of the decoded path starts with {@code _} or {@code .}; a table format's own does not count. */
    static boolean temporary(String path) {
        for (String component : path.split("/")) {
            boolean marked = component.startsWith("_") || component.startsWith(".");
            if (marked && !TABLE_METADATA.contains(component)) {
                return true;
            }
        }
        return false;
    }
}

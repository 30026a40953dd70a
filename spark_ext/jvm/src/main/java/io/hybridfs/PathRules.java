package io.hybridfs;

/** Which paths are never cached: those that writers use for what is not final yet. */
final class PathRules {
    private static final String DELTA_LOG = "_delta_log";

    private PathRules() {
    }

    /** Whether a component of the decoded path starts with {@code _} or {@code .}; but not a table format's own. */
    static boolean temporary(String path) {
        for (String component : path.split("/")) {
            boolean marked = component.startsWith("_") || component.startsWith(".");
            if (marked && !DELTA_LOG.equals(component)) {
                return true;
            }
        }
        return false;
    }
}

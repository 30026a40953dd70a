package io.hybridfs;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Patterns of whole paths of the origin, as in Python's {@code globs.py}: {@code *} is any characters but a slash,
 * {@code **} any characters, {@code ?} one character but a slash; one that ends in a slash means everything below.
 */
final class Globs {
    private static final Pattern PARTS = Pattern.compile("\\*\\*|[*?]|[^*?]+");

    private final List<String> texts;
    private final List<Pattern> patterns = new ArrayList<>();

    private Globs(List<String> texts) {
        this.texts = texts;
        for (String text : texts) {
            patterns.add(Pattern.compile(translate(text), Pattern.DOTALL));
        }
    }

    /** Of {@code /warehouse/**,/logs/*.csv}; throws IllegalArgumentException that names the option. */
    static Globs parse(String option, String text) {
        List<String> texts = new ArrayList<>();
        for (String part : text.trim().isEmpty() ? new String[0] : text.split(",", -1)) {
            String glob = part.trim();
            if (glob.isEmpty()) {
                throw new IllegalArgumentException(option + " = '" + text
                    + "' has an empty pattern: remove the comma that is too many");
            }
            if (!glob.startsWith("/") && !glob.startsWith("**")) {
                throw new IllegalArgumentException(option + " = '" + text + "': no path matches '" + glob
                    + "'; patterns are of whole paths, without scheme and host, and begin with / or **, like "
                    + "/warehouse/** or **.csv (commas separate them, so none can hold one: write ? in its place)");
            }
            texts.add(glob);
        }
        return new Globs(Collections.unmodifiableList(texts));
    }

    private static String translate(String glob) {
        StringBuilder expression = new StringBuilder();
        Matcher parts = PARTS.matcher(glob.endsWith("/") ? glob + "**" : glob);
        while (parts.find()) {
            String part = parts.group();
            expression.append(part.equals("**") ? ".*" : part.equals("*") ? "[^/]*" : part.equals("?") ? "[^/]"
                : Pattern.quote(part));
        }
        return expression.toString();
    }

    List<String> texts() {
        return texts;
    }

    boolean isEmpty() {
        return patterns.isEmpty();
    }

    /** {@code path}: absolute, decoded, as the origin names it. */
    boolean match(String path) {
        for (Pattern pattern : patterns) {
            if (pattern.matcher(path).matches()) {
                return true;
            }
        }
        return false;
    }
}

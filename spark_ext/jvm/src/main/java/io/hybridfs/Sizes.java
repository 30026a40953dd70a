package io.hybridfs;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads sizes ({@code 200GiB}, {@code 1.5TiB}, {@code 8M}, plain bytes) and durations ({@code 30s}, {@code 500ms},
 * {@code 5min}, plain seconds), spelled as the Python side spells them.
 */
final class Sizes {
    private static final Pattern AMOUNT = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([a-z]*)");
    private static final Map<String, Long> BYTES = new HashMap<>();
    private static final Map<String, Long> MILLIS = new HashMap<>();

    static {
        BYTES.put("", 1L);
        BYTES.put("b", 1L);
        String[] prefixes = {"k", "m", "g", "t", "p"};
        for (int i = 0; i < prefixes.length; i++) {
            BYTES.put(prefixes[i], 1L << (10 * (i + 1)));
            BYTES.put(prefixes[i] + "ib", 1L << (10 * (i + 1)));
            BYTES.put(prefixes[i] + "b", (long) Math.pow(1000, i + 1));
        }
        MILLIS.put("", 1_000L);
        MILLIS.put("ms", 1L);
        MILLIS.put("s", 1_000L);
        MILLIS.put("m", 60_000L);
        MILLIS.put("min", 60_000L);
        MILLIS.put("h", 3_600_000L);
        MILLIS.put("d", 86_400_000L);
    }

    private Sizes() {
    }

    /** Bytes of {@code text}, fractions of one cut off; throws IllegalArgumentException that names the option. */
    static long bytes(String option, String text) {
        return (long) amount(option, text, BYTES, "a size such as 200GiB, 8MiB, 64KiB, 1GB or plain bytes");
    }

    /** Milliseconds of {@code text}, rounded; throws IllegalArgumentException that names the option. */
    static long millis(String option, String text) {
        return Math.round(amount(option, text, MILLIS, "a duration such as 30s, 500ms, 5m or 0"));
    }

    private static double amount(String option, String text, Map<String, Long> units, String example) {
        Matcher match = AMOUNT.matcher(text.trim().toLowerCase(Locale.ROOT));
        Long unit = match.matches() ? units.get(match.group(2)) : null;
        double amount = unit == null ? Double.NaN : Double.parseDouble(match.group(1)) * unit;
        if (amount < Long.MAX_VALUE) {
            return amount;
        }
        throw new IllegalArgumentException(option + " = '" + text + "' is not " + example);
    }
}

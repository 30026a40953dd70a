package io.hybridfs;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The texts that the records of a listing name by number (FORMAT 10): owners, groups, erasure coding policies. */
final class Texts {
    static final int NONE = 0xffff;

    private final List<String> texts;
    private final Map<String, Integer> numbers = new HashMap<>();

    Texts(String... known) {
        texts = new ArrayList<>(Arrays.asList(known));
        for (String text : known) {
            numbers.put(text, numbers.size());
        }
    }

    /** The number of {@code text}, {@link #NONE} of null; -1 when there are too many. */
    int number(String text) {
        if (text == null) {
            return NONE;
        }
        Integer known = numbers.get(text);
        if (known != null) {
            return known;
        }
        if (texts.size() == NONE) {
            return -1;
        }
        numbers.put(text, texts.size());
        texts.add(text);
        return texts.size() - 1;
    }

    /** All of a cluster's listings have few of them. */
    String[] all() {
        return texts.stream().map(String::intern).toArray(String[]::new);
    }
}

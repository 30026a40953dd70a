package io.hybridfs;

import java.util.function.Consumer;

/** What evictors and upkeep do one by one, so that tests can count it and step in between. */
final class Steps {
    /** Called with a step's name before it is taken, and with {@code <what>.done} after the last; null but in tests. */
    static volatile Consumer<String> hook;

    private Steps() {
    }

    static void at(String step) {
        Consumer<String> test = hook;
        if (test != null) {
            test.accept(step);
        }
    }
}

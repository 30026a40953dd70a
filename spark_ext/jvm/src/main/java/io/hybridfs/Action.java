package io.hybridfs;

import java.io.IOException;

/** What may fail. */
interface Action<T> {
    T run() throws IOException;
}

package io.hybridfs;

import java.io.IOException;

/** A file is no longer the version that its reader is pinned to. */
public final class FileChangedException extends IOException {
    private static final long serialVersionUID = 1L;

    FileChangedException(String uri, Throwable cause) {
        super(uri + " changed at its origin while it was read: open it again; in Spark run REFRESH TABLE", cause);
    }
}

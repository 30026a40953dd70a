package io.hybridfs;

import org.apache.hadoop.fs.FileStatus;

/** Which files are passed through, and why. */
final class Admission {
    private final Options options;

    Admission(Options options) {
        this.options = options;
    }

    /** By its path, decoded, as the origin names it: the reason, or null. */
    Miss refuses(String path) {
        if (PathRules.temporary(path)) {
            return Miss.TEMPORARY;
        }
        boolean excluded = options.exclude.match(path) || !options.include.isEmpty() && !options.include.match(path);
        return excluded ? Miss.EXCLUDED : null;
    }

    /** By what the origin tells of it. One of no length is empty, or is being written and does not tell it yet. */
    Miss refuses(FileStatus status) {
        if (!status.isFile() || status.getModificationTime() <= 0) {
            return Miss.UNVERSIONED;
        }
        return status.isEncrypted() ? Miss.ENCRYPTED : refusesSize(status);
    }

    Miss refusesSize(FileStatus status) {
        if (status.getLen() == 0) {
            return Miss.UNDER_CONSTRUCTION;
        }
        return options.maxFileSize > 0 && status.getLen() > options.maxFileSize ? Miss.TOO_LARGE : null;
    }

    /** Whether the status tells a version, as those that Spark's driver makes do not. */
    static boolean isVersion(FileStatus status) {
        return status.isFile() && status.getLen() > 0 && status.getModificationTime() > 0;
    }
}

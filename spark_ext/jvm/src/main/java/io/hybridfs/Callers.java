package io.hybridfs;

import org.apache.hadoop.ipc.CallerContext;

/** Who asks, as the NameNode's audit log names it: threads ask for others, and would name whom they first asked for. */
final class Callers {
    /** Hadoop before 2.8 has no such context. */
    private static final boolean KNOWN = isKnown();

    private Callers() {
    }

    /** The task, for another thread, in the caller's context. */
    static Runnable carried(Runnable task) {
        if (!KNOWN) {
            return task;
        }
        CallerContext caller = CallerContext.getCurrent();
        return () -> {
            CallerContext.setCurrent(caller);
            task.run();
        };
    }

    private static boolean isKnown() {
        try {
            Class.forName("org.apache.hadoop.ipc.CallerContext");
            return true;
        } catch (ClassNotFoundException | LinkageError olderHadoop) {
            return false;
        }
    }
}

package io.hybridfs;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.RejectedExecutionHandler;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The daemon threads of this process. A task of one pool never waits for a task of the same pool: questions do not ask
 * for keys, which may come from a file of ours, and a fetch, which may, reads such a file as plain HDFS.
 */
final class Workers {
    private static final String FETCHERS = "fetch";
    private static final ThreadPoolExecutor FETCH = pool(FETCHERS, 1, new LinkedBlockingQueue<>(),
        new ThreadPoolExecutor.AbortPolicy());
    private static final ThreadPoolExecutor ASK = pool("ask", 16, new LinkedBlockingQueue<>(),
        new ThreadPoolExecutor.AbortPolicy());
    private static final ThreadPoolExecutor ASSEMBLE = pool("assemble", 4, new LinkedBlockingQueue<>(),
        new ThreadPoolExecutor.AbortPolicy());
    /** Scans ask for batches of directories; a task may wait for one that was begun before it. */
    private static final ThreadPoolExecutor LIST = pool("list", 8, new LinkedBlockingQueue<>(),
        new ThreadPoolExecutor.AbortPolicy());
    private static final ScheduledThreadPoolExecutor LATER = timer();
    /** When publishing falls behind, the fetchers do it themselves: that bounds the memory of unpublished runs. */
    private static final ThreadPoolExecutor PUBLISH = pool("publish", 2, new ArrayBlockingQueue<>(2),
        new ThreadPoolExecutor.CallerRunsPolicy());
    /** Promotion is a favour: what does not fit is dropped. */
    private static final ThreadPoolExecutor PROMOTE = pool("promote", 1, new ArrayBlockingQueue<>(256),
        new ThreadPoolExecutor.AbortPolicy());
    /** What is not begun now is due again at the next MiB. */
    private static final ThreadPoolExecutor UPKEEP = pool("upkeep", 1, new ArrayBlockingQueue<>(8),
        new ThreadPoolExecutor.AbortPolicy());
    /** Listings are kept for later: what does not fit is dropped. */
    private static final ThreadPoolExecutor KEEP = pool("keep", 1, new ArrayBlockingQueue<>(1 << 16),
        new ThreadPoolExecutor.AbortPolicy());
    /** What a process that ends gives them to be kept after all. */
    private static final long LAST_MILLIS = 2000;
    /** Fetches, questions, publications, promotions and upkeep that are not done. */
    private static final AtomicInteger UNDONE = new AtomicInteger();

    static {
        try {
            Runtime.getRuntime().addShutdownHook(new Thread(Workers::keepLast, "hybridfs-last"));
        } catch (IllegalStateException endsAlready) {
            // then there is nothing to wait for
        }
    }

    private Workers() {
    }

    /** A driver that ends right after it has listed leaves what it learned to the next one. */
    private static void keepLast() {
        KEEP.shutdown();
        try {
            KEEP.awaitTermination(LAST_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
    }

    private static ThreadPoolExecutor pool(String name, int threads, BlockingQueue<Runnable> queue,
                                           RejectedExecutionHandler whenFull) {
        AtomicInteger number = new AtomicInteger();
        ThreadPoolExecutor pool = new ThreadPoolExecutor(threads, threads, 10, TimeUnit.SECONDS, queue, task -> {
            Thread thread = new Worker(task, name, number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        }, whenFull);
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    private static ScheduledThreadPoolExecutor timer() {
        ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Worker(task, "later", 1);
            thread.setDaemon(true);
            return thread;
        });
        timer.setKeepAliveTime(10, TimeUnit.SECONDS);
        timer.allowCoreThreadTimeOut(true);
        return timer;
    }

    private static final class Worker extends Thread {
        final String pool;

        Worker(Runnable task, String pool, int number) {
            super(task, "hybridfs-" + pool + "-" + number);
            this.pool = pool;
        }
    }

    /** Whether this thread is one of those that fetch. */
    static boolean isFetching() {
        Thread thread = Thread.currentThread();
        return thread instanceof Worker && ((Worker) thread).pool.equals(FETCHERS);
    }

    /** The most that any file system of this process wants. */
    static synchronized void fetchStreams(int threads) {
        if (threads > FETCH.getMaximumPoolSize()) {
            FETCH.setMaximumPoolSize(threads);
            FETCH.setCorePoolSize(threads);
        }
    }

    static void fetch(Runnable task) {
        execute(FETCH, Callers.carried(task));
    }

    /** Where the ranges of vectored reads are put together. */
    static Executor assemble() {
        return ASSEMBLE;
    }

    static void publish(Runnable task) {
        execute(PUBLISH, task);
    }

    static void promote(Runnable task) {
        executeOrDrop(PROMOTE, task); // a later hit promotes the block
    }

    static void upkeep(Runnable task) {
        executeOrDrop(UPKEEP, task);
    }

    /** False when there is too much to do. */
    static boolean keep(Runnable task) {
        return executeOrDrop(KEEP, task);
    }

    private static boolean executeOrDrop(ThreadPoolExecutor pool, Runnable task) {
        try {
            execute(pool, task);
            return true;
        } catch (RejectedExecutionException tooMany) {
            return false; // it was not urgent
        }
    }

    private static void execute(ThreadPoolExecutor pool, Runnable task) {
        UNDONE.incrementAndGet();
        try {
            pool.execute(() -> {
                try {
                    task.run();
                } finally {
                    UNDONE.decrementAndGet();
                }
            });
        } catch (RejectedExecutionException | Error e) { // as when there can be no thread more
            UNDONE.decrementAndGet();
            throw e;
        }
    }

    /**
     * Returns once what was fetched so far is published or given up, all questions are answered, and what was asked for
     * is promoted or tidied.
     */
    static void quiesce() throws InterruptedException {
        while (UNDONE.get() > 0) {
            Thread.sleep(5);
        }
    }

    /** A question to the NameNode. */
    static <T> CompletableFuture<T> ask(Callable<T> question) {
        return submit(ASK, question);
    }

    /** A question for directories. */
    static <T> CompletableFuture<T> list(Callable<T> question) {
        return submit(LIST, question);
    }

    /** Something short. */
    static void later(Runnable task, long millis) {
        LATER.schedule(task, millis, TimeUnit.MILLISECONDS);
    }

    private static <T> CompletableFuture<T> submit(ThreadPoolExecutor pool, Callable<T> question) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        execute(pool, Callers.carried(() -> {
            try {
                answer.complete(question.call());
            } catch (Throwable e) {
                answer.completeExceptionally(e);
            }
        }));
        return answer;
    }

    /** The result, or what the task threw, unwrapped. */
    static <T> T await(Future<T> future) throws IOException {
        try {
            return future.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException("interrupted while waiting for the origin").initCause(e);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            if (cause instanceof IOException) {
                throw (IOException) cause;
            }
            if (cause instanceof RuntimeException) {
                throw (RuntimeException) cause;
            }
            throw new IOException(cause);
        }
    }
}

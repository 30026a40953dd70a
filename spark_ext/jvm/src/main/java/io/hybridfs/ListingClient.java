package io.hybridfs;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.hdfs.DFSClient;
import org.apache.hadoop.hdfs.protocol.DirectoryListing;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.apache.hadoop.ipc.RemoteException;

/**
 * What the NameNode answers to the user of one file system; every answer is counted. Only where
 * {@link LocatedFile#AT_ONCE}.
 */
final class ListingClient {
    /** The most that a NameNode lists at once, unless it is configured otherwise. */
    private static final int MOST = 100;
    private static final Pattern TOO_MANY = Pattern.compile("Too many source paths \\(\\d+ > (\\d+)\\)");
    private static final List<String> UNKNOWN = Arrays.asList("org.apache.hadoop.ipc.RpcNoSuchMethodException",
        "org.apache.hadoop.ipc.RpcNoSuchProtocolException", "java.lang.UnsupportedOperationException");

    private final DFSClient client;
    /** How many directories are asked for at once; 1: this client or its NameNode cannot list several. */
    private volatile int atOnce = haveBatches() ? MOST : 1;

    ListingClient(DFSClient client) {
        this.client = client;
    }

    /** Where the directories of a batch go, each once and in any order. */
    interface Sink {
        /** All children of the directory at that place. {@code pages}: answers that it took. */
        void listed(int place, List<HdfsFileStatus> children, int pages);
    }

    /** Hadoop before 3.3 has no such call. */
    private static boolean haveBatches() {
        try {
            Class.forName("org.apache.hadoop.hdfs.protocol.BatchedDirectoryListing");
            return true;
        } catch (ClassNotFoundException | LinkageError olderHadoop) {
            return false;
        }
    }

    int atOnce() {
        return atOnce;
    }

    /** There is no such path; its text is for nobody. */
    static final class NoSuchPath extends FileNotFoundException {
        NoSuchPath(String path) {
            super(path);
        }
    }

    /** The children whose names come after {@code startAfter}; throws NoSuchPath. */
    DirectoryListing page(String path, byte[] startAfter, boolean located) throws IOException {
        Stats.count(Stats.Counter.LISTING_RPCS);
        DirectoryListing page = client.listPaths(path, startAfter, located);
        if (page == null) {
            throw new NoSuchPath(path);
        }
        return page;
    }

    /**
     * Lists directories, without blocks. Those that are missing, forbidden, or no directories any more do not get to
     * the sink, nor do the rest when {@code goOn}, asked before each further answer, says no. At most {@link #atOnce}.
     */
    void batch(List<String> paths, Sink sink, BooleanSupplier goOn) throws IOException {
        if (paths.size() > 1 && atOnce > 1) {
            try {
                ListingBatches.list(client, paths.toArray(new String[0]), sink, goOn);
                return;
            } catch (RemoteException e) {
                atOnce = limit(e);
            } catch (LinkageError olderHadoop) {
                atOnce = 1;
            }
        }
        for (int place = 0; place < paths.size() && (place == 0 || goOn.getAsBoolean()); place++) {
            one(paths.get(place), place, sink);
        }
    }

    /** How many the NameNode that refused to list so many is ready to list. */
    private static int limit(RemoteException refused) throws RemoteException {
        Matcher tooMany = TOO_MANY.matcher(String.valueOf(refused.getMessage()));
        if (tooMany.find()) {
            return Math.max(1, Integer.parseInt(tooMany.group(1)));
        }
        if (UNKNOWN.contains(refused.getClassName())) {
            return 1;
        }
        throw refused;
    }

    private void one(String path, int place, Sink sink) {
        List<HdfsFileStatus> children = new ArrayList<>();
        byte[] last = HdfsFileStatus.EMPTY_NAME;
        int pages = 0;
        DirectoryListing page;
        try {
            do {
                page = page(path, last, false);
                children.addAll(Arrays.asList(page.getPartialListing()));
                last = page.getLastName();
                pages++;
            } while (page.hasMore());
        } catch (IOException toBeToldToWhoAsksForIt) {
            return;
        }
        if (areChildren(children)) {
            sink.listed(place, children, pages);
        }
    }

    /** What is told of a file is the file, and nameless. */
    static boolean areChildren(List<HdfsFileStatus> told) {
        return told.size() != 1 || !told.get(0).isEmptyLocalName();
    }
}

package io.hybridfs;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.apache.hadoop.hdfs.DFSClient;
import org.apache.hadoop.hdfs.protocol.BatchedDirectoryListing;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.apache.hadoop.hdfs.protocol.HdfsPartialListing;

/** One batch of directories, answer by answer. Loaded only where Hadoop has the call. */
final class ListingBatches {
    private final ListingClient.Sink sink;
    /** The directory that is being told, -1 = none. */
    private int place = -1;
    private List<HdfsFileStatus> children = new ArrayList<>();
    private boolean failed;
    private int pages;

    private ListingBatches(ListingClient.Sink sink) {
        this.sink = sink;
    }

    /** As {@link ListingClient#batch}; never with blocks, because HDFS then leaves files out. */
    static void list(DFSClient client, String[] paths, ListingClient.Sink sink, BooleanSupplier goOn)
        throws IOException {
        ListingBatches batch = new ListingBatches(sink);
        byte[] startAfter = HdfsFileStatus.EMPTY_NAME;
        BatchedDirectoryListing answer;
        do {
            Stats.count(Stats.Counter.LISTING_RPCS);
            answer = client.batchedListPaths(paths, startAfter, false);
            if (answer == null) {
                return;
            }
            batch.pages++;
            for (HdfsPartialListing part : answer.getListings()) {
                batch.add(part);
            }
            startAfter = answer.getStartAfter();
        } while (answer.hasMore() && goOn.getAsBoolean());
        if (!answer.hasMore()) {
            batch.finish();
        }
    }

    private void add(HdfsPartialListing part) {
        if (part.getParentIdx() != place) {
            finish();
            place = part.getParentIdx();
            pages = 1;
            children = new ArrayList<>();
            failed = false;
        }
        if (part.getException() != null) {
            failed = true;
        } else {
            children.addAll(part.getPartialListing());
        }
    }

    /** Nothing more will be told of the directory. */
    private void finish() {
        if (place >= 0 && !failed && ListingClient.areChildren(children)) {
            sink.listed(place, children, pages);
        }
    }
}

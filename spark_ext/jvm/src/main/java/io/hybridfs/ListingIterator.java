package io.hybridfs;

import java.io.IOException;
import java.net.URI;
import java.util.NoSuchElementException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.PathFilter;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.apache.hadoop.hdfs.protocol.HdfsLocatedFileStatus;

/** Goes through a listing page by page, as HDFS's own does; {@code <T>}: LocatedFileStatus if located. */
final class ListingIterator<T extends FileStatus> implements RemoteIterator<T> {
    private final URI uri;
    private final Path dir;
    private final PathFilter filter;
    private final boolean located;
    private final Source source;
    private HdfsFileStatus[] page;
    private int number;
    private int place;
    private T next;

    /** Where the children come from. */
    interface Source {
        /** Null behind the last one. */
        HdfsFileStatus[] page(int number) throws IOException;
    }

    /** {@code filter}: null = all. Takes the first page now, so that what is wrong shows now. */
    ListingIterator(URI uri, Path dir, PathFilter filter, boolean located, Source source) throws IOException {
        this.uri = uri;
        this.dir = dir;
        this.filter = filter;
        this.located = located;
        this.source = source;
        this.page = source.page(0);
    }

    @Override
    public boolean hasNext() throws IOException {
        while (next == null && page != null) {
            if (place < page.length) {
                T status = qualified(page[place++]);
                next = filter == null || filter.accept(status.getPath()) ? status : null;
            } else {
                page = source.page(++number);
                place = 0;
            }
        }
        return next != null;
    }

    @SuppressWarnings("unchecked")
    private T qualified(HdfsFileStatus status) {
        return (T) (located ? ((HdfsLocatedFileStatus) status).makeQualifiedLocated(uri, dir)
            : status.makeQualified(uri, dir));
    }

    @Override
    public T next() throws IOException {
        if (!hasNext()) {
            throw new NoSuchElementException("No more entry in " + dir);
        }
        T status = next;
        next = null;
        return status;
    }
}

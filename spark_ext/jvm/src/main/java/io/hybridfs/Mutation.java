package io.hybridfs;

import java.io.Closeable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A change of one path by this process, from its beginning to its end. */
final class Mutation implements Closeable {
    private static final long PRESENTLY_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final Listings listings;
    private final String path;
    private final String uri;
    /** Directories that may list other children afterwards. */
    private final List<String> parents = new ArrayList<>();

    /** {@code path}: absolute and decoded; {@code makesParents}: whether missing directories above it are made, too. */
    Mutation(Listings listings, String path, boolean makesParents) {
        this.listings = listings;
        this.path = CanonicalUri.path(path);
        this.uri = listings.uri(path);
        String parent = parentOf(this.path);
        while (parent != null) {
            parents.add(parent);
            parent = makesParents ? parentOf(parent) : null;
        }
        Mutations.begin(uri, uris());
        boolean begun = false;
        try {
            drop();
            begun = true;
        } finally {
            if (!begun) { // nobody would end it
                Mutations.end(uri, uris());
            }
        }
    }

    /**
     * A change that is made past this class, presently: what is asked for within the next time counts as asked for
     * before.
     */
    static void expect(Listings listings, String path) {
        Mutation coming = new Mutation(listings, path, true);
        coming.close();
        Mutations.expect(coming.uri, coming.uris(), System.nanoTime() + PRESENTLY_NANOS);
    }

    private static String parentOf(String path) {
        int slash = path.lastIndexOf('/');
        return path.length() == 1 ? null : path.substring(0, Math.max(1, slash));
    }

    private List<String> uris() {
        List<String> uris = new ArrayList<>();
        parents.forEach(parent -> uris.add(listings.uri(parent)));
        return Collections.unmodifiableList(uris);
    }

    private void drop() {
        listings.entries.drop(path);
        parents.forEach(listings.entries::drop);
    }

    /** The change has ended, whether it did anything or not. */
    @Override
    public void close() {
        try {
            Grants.drop(uri);
            drop();
        } finally {
            Mutations.end(uri, uris());
        }
    }
}

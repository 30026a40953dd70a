package io.hybridfs;

/** A listing for a caller, and where it comes from. */
final class ScanAnswer {
    final Listing listing;
    final Explain.Source source;

    ScanAnswer(Listing listing, Explain.Source source) {
        this.listing = listing;
        this.source = source;
    }
}

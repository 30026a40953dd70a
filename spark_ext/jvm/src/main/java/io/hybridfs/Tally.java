package io.hybridfs;

import java.io.IOException;

/** What one run of the evictor of a tier knows and has done, and its account in {@code usage} (FORMAT 7). */
final class Tally {
    private final Tier tier;
    private Usage known;
    private boolean counted;
    /** What of {@code published} is not yet in {@code usage}, in MiB. */
    private long marks;
    private long held;
    private long freed;
    private long unlinked;
    private long looked;
    private long lookedBytes;
    /** What {@code usage} says; null when that is not known. */
    private Usage recorded;

    Tally(Tier tier) throws IOException {
        this.tier = tier;
        this.marks = tier.accounting.marks();
        this.recorded = tier.accounting.usage();
        this.counted = recorded == null || recorded.isWorn();
        this.known = counted ? Counting.of(tier.dir) : recorded;
        this.held = known.bytes + (counted ? 0 : marks * Marks.UNIT);
    }

    /** Bytes that the tier still holds. */
    long held() {
        return held;
    }

    /** Bytes unlinked. */
    long freed() {
        return freed;
    }

    /** Blocks unlinked. */
    long unlinked() {
        return unlinked;
    }

    long looked() {
        return looked;
    }

    void look(long size) {
        looked++;
        lookedBytes += size;
    }

    void unlink(long size) {
        unlinked++;
        freed += size;
        held -= size;
    }

    boolean isCounted() {
        return counted;
    }

    /** Less may be there than was thought. After {@link #record}. */
    void recount() throws IOException {
        counted = true;
        known = Counting.of(tier.dir);
        held = known.bytes;
        unlinked = 0;
        record();
    }

    /** Who is killed later has not done it for nothing. */
    void record() throws IOException {
        // The blocks of a tier that nobody has counted yet are told from the bytes.
        long blocks = counted || known.blocks > 0 || looked == 0 ? known.blocks
            : Math.max(1, (held + freed) / Math.max(1, lookedBytes / looked));
        Usage now = new Usage(Math.max(0, held), blocks, known.unlinked + unlinked);
        if (marks > 0 || recorded == null || !now.toString().equals(recorded.toString())) {
            tier.accounting.record(now, marks);
            recorded = now;
            marks = 0;
        }
    }
}

package io.hybridfs;

import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/** Goes through all blocks of a tier and counts those that stay, and the bytes of older trees (FORMAT 7). */
final class Counting {
    private long bytes;
    private long blocks;

    private Counting() {
    }

    /** What is done with a block. */
    interface Visitor {
        /** Whether it stays. */
        boolean stays(Path block, BasicFileAttributes found, boolean pinned) throws IOException;
    }

    static Usage of(Path tier) throws IOException {
        return of(tier, (block, found, pinned) -> true);
    }

    static Usage of(Path tier, Visitor visitor) throws IOException {
        Counting counting = new Counting();
        for (Path shard : Regions.shards(tier)) {
            for (Path region : Regions.list(shard)) {
                counting.count(Regions.read(region), visitor);
            }
        }
        for (Path tree : OldTrees.of(tier)) {
            counting.bytes += OldTrees.size(tree);
        }
        return new Usage(counting.bytes, counting.blocks, 0);
    }

    private void count(Regions.Region region, Visitor visitor) throws IOException {
        for (String name : region.blocks) {
            Path block = region.dir.resolve(name);
            BasicFileAttributes found = Regions.look(block, "count.look");
            if (found != null && visitor.stays(block, found, region.isPinned())) {
                bytes += Accounting.onDisk(found.size());
                blocks++;
            }
        }
    }
}

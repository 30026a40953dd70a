package io.hybridfs;

import java.nio.ByteBuffer;

/** Finds children of a listing by name, in 12 to 20 bytes each. */
final class ListingIndex {
    private final byte[] records;
    /** Where each child's record starts. */
    private final int[] starts;
    /** Places + 1 by their names' hashes, 0 = none; at most half full. */
    private final int[] slots;

    ListingIndex(byte[] records, int size) {
        this.records = records;
        this.starts = new int[size];
        this.slots = new int[Integer.highestOneBit(Math.max(1, size)) * 4];
        ByteBuffer in = Records.open(records);
        int at = 0;
        for (int place = 0; place < size; place++, at = Records.next(in, at)) {
            starts[place] = at;
            int slot = hash(records, at + 2, Records.nameLength(in, at));
            while (slots[slot] != 0) {
                slot = slot + 1 & slots.length - 1;
            }
            slots[slot] = place + 1;
        }
    }

    long bytes() {
        return 4L * (starts.length + slots.length);
    }

    int start(int place) {
        return starts[place];
    }

    /** The place of a child, or -1; {@code name}: in UTF-8. */
    int find(byte[] name) {
        int slot = hash(name, 0, name.length);
        for (; slots[slot] != 0; slot = slot + 1 & slots.length - 1) {
            if (isAt(starts[slots[slot] - 1], name)) {
                return slots[slot] - 1;
            }
        }
        return -1;
    }

    private boolean isAt(int start, byte[] name) {
        if (Records.nameLength(Records.open(records), start) != name.length) {
            return false;
        }
        for (int i = 0; i < name.length; i++) {
            if (records[start + 2 + i] != name[i]) {
                return false;
            }
        }
        return true;
    }

    private int hash(byte[] bytes, int offset, int length) {
        return (int) Xxh64.hash(bytes, offset, length) & slots.length - 1;
    }
}

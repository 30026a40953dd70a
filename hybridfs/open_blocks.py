"""The cached blocks that one process keeps open, and the maps of some of them."""

from __future__ import annotations

import resource
import threading
from collections import OrderedDict
from itertools import islice

from hybridfs.blocks import CachedBlock
from hybridfs.errors import CorruptBlock
from hybridfs.layout import Identity
from hybridfs.stats import Miss
from hybridfs.store import NoStore, Store

_MOST_OPEN = 1024
_FEWEST_OPEN = 8
_LOOKS = 2
_SHARE = 20  # at most one part in so many of the budget: evicted blocks live on while they are open


class OpenBlocks:
    """Least recently used blocks: open ones by an eighth of the descriptors, mapped ones by ``budget`` bytes.

    Thread-safe. An ``OrderedDict`` because this is on the path of every block that is read.
    """

    def __init__(self, store: Store | NoStore, budget: int) -> None:
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._store = store
        share = store.budget // _SHARE // store.block_size
        self._most_open = max(1, min(_MOST_OPEN, max(_FEWEST_OPEN, share), descriptors // 8))
        mapped = min(budget // store.block_size, descriptors // 8)  # a map has a descriptor, too
        self._most_mapped = max(1, min(mapped, self._most_open))
        self._open: OrderedDict[tuple[bytes, int, int], CachedBlock] = OrderedDict()
        self._round: OrderedDict[tuple[bytes, int, int], None] = OrderedDict()  # in which order they are looked at
        self._mapped: OrderedDict[CachedBlock, None] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, identity: Identity, number: int, validator: int) -> tuple[CachedBlock, str] | Miss:
        """A block and the tier that serves it (``map`` if it was open already), or why it is missing."""
        key = (identity.encoded, number, validator)
        with self._lock:
            block = self._open.get(key)
            if block is not None:
                self._open.move_to_end(key)
        if block is not None:
            block.mark_read()
            return block, "map"
        found = self._store.lookup(identity, number, validator)
        if isinstance(found, Miss):
            return found
        found.on_map = self._count_map
        with self._lock:
            self._open[key] = found
            self._round[key] = None
            self._forget_evicted()
            if len(self._open) > self._most_open:
                self._unmap(self._open.popitem(last=False)[1])
        return found, found.tier

    def _forget_evicted(self) -> None:
        """Looks at two blocks for each one that is opened: what was evicted gives its space back."""
        for key in list(islice(self._round, _LOOKS)):
            del self._round[key]
            block = self._open.get(key)
            if block is not None and block.evicted:
                del self._open[key]
                self._unmap(block)
            elif block is not None:
                self._round[key] = None

    def _count_map(self, block: CachedBlock) -> None:
        """Called whenever a block is read through its map; unmaps the one that was so read the longest ago."""
        with self._lock:
            self._mapped[block] = None
            self._mapped.move_to_end(block)
            if len(self._mapped) > self._most_mapped:
                self._mapped.popitem(last=False)[0].unmap()

    def holds(self, identity: Identity, number: int) -> bool:
        """Whether the store has a file for the block, sound or not."""
        return self._store.holds(identity, number)

    def discard(
        self, identity: Identity, number: int, validator: int, block: CachedBlock, corrupt: CorruptBlock
    ) -> None:
        """Drops a block whose data failed, here and in the store."""
        with self._lock:
            self._open.pop((identity.encoded, number, validator), None)
            self._unmap(block)
        self._store.discard(identity, number, block, corrupt)

    def _unmap(self, block: CachedBlock) -> None:
        if block in self._mapped:
            del self._mapped[block]
            block.unmap()

    def abandon(self) -> None:
        """In a child after a fork: gives back the space of blocks that are evicted meanwhile."""
        for block in {*self._open.values(), *self._mapped}:
            block.unmap()
            block.close()
        self._open.clear()
        self._mapped.clear()

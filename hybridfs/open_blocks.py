"""The cached blocks that one process keeps open and mapped."""

from __future__ import annotations

import resource
import threading

from cachetools import LRUCache

from hybridfs.blocks import CachedBlock
from hybridfs.errors import CorruptBlock
from hybridfs.layout import Identity
from hybridfs.store import NoStore, Store


class OpenBlocks:
    """Least recently used blocks of a store, bounded by ``budget`` bytes. Thread-safe."""

    def __init__(self, store: Store | NoStore, budget: int) -> None:
        # An eighth of the descriptors at most: an open block has one, its map another.
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        count = max(1, min(budget // store.block_size, descriptors // 8))
        self._store = store
        self._blocks: LRUCache[tuple[Identity, int, int], CachedBlock] = LRUCache(count)
        self._lock = threading.Lock()

    def get(self, identity: Identity, number: int, file_id: int) -> tuple[CachedBlock, str] | None:
        """A block and the tier that serves it (``map`` if it was open already); None is a miss."""
        key = (identity, number, file_id)
        with self._lock:
            block = self._blocks.get(key)
        if block is not None:
            block.mark_read()
            return block, "map"
        block = self._store.lookup(identity, number, file_id)
        if block is None:
            return None
        with self._lock:
            self._blocks[key] = block
        return block, block.tier

    def holds(self, identity: Identity, number: int) -> bool:
        """Whether the store has a file for the block, sound or not."""
        return self._store.holds(identity, number)

    def discard(self, identity: Identity, number: int, file_id: int, corrupt: CorruptBlock) -> None:
        """Drops a block whose data failed, here and in the store."""
        with self._lock:
            self._blocks.pop((identity, number, file_id), None)
        self._store.discard(identity, number, corrupt)

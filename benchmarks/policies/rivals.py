"""Known eviction policies, each of blocks of one size: `hit(block)` says whether a block was there, and takes it in.

LRU; CLOCK with one bit (Corbató 1968); SIEVE (Zhang et al., NSDI 2024); S3-FIFO (Yang et al., SOSP 2023).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass


class Lru:
    """Evicts what was used the longest ago."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._blocks: OrderedDict[int, None] = OrderedDict()

    def hit(self, block: int, _: int = 0) -> bool:
        if block in self._blocks:
            self._blocks.move_to_end(block)
            return True
        if len(self._blocks) == self._capacity:
            self._blocks.popitem(last=False)
        self._blocks[block] = None
        return False


class Clock:
    """A queue in which blocks that were used since they came to its head go back to its end once."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._used: dict[int, bool] = {}
        self._queue: deque[int] = deque()

    def hit(self, block: int, _: int = 0) -> bool:
        if block in self._used:
            self._used[block] = True
            return True
        if len(self._used) == self._capacity:
            self._evict()
        self._used[block] = False
        self._queue.append(block)
        return False

    def _evict(self) -> None:
        while self._used[block := self._queue.popleft()]:
            self._used[block] = False
            self._queue.append(block)
        del self._used[block]


@dataclass
class _Node:
    block: int
    used: bool = False
    newer: _Node | None = None
    older: _Node | None = None


class Sieve:
    """A queue that nothing moves in; a hand goes from old to new, clears marks and evicts the first without one."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._nodes: dict[int, _Node] = {}
        self._newest: _Node | None = None
        self._oldest: _Node | None = None
        self._hand: _Node | None = None

    def hit(self, block: int, _: int = 0) -> bool:
        if node := self._nodes.get(block):
            node.used = True
            return True
        if len(self._nodes) == self._capacity:
            self._evict()
        node = self._nodes[block] = _Node(block, older=self._newest)
        if self._newest:
            self._newest.newer = node
        self._newest = node
        self._oldest = self._oldest or node
        return False

    def _evict(self) -> None:
        node = self._hand or self._oldest
        while node and node.used:
            node.used = False
            node = node.newer or self._oldest
        assert node is not None
        self._hand = node.newer
        if node.newer:
            node.newer.older = node.older
        else:
            self._newest = node.older
        if node.older:
            node.older.newer = node.newer
        else:
            self._oldest = node.newer
        del self._nodes[node.block]


class S3Fifo:
    """A small queue for newcomers, a main one with counts up to three, and the names of who left the small one.

    As its authors' libCacheSim has it: until the first eviction newcomers that the small queue has no room for go to
    the main one.
    """

    _SMALL = 0.1
    _MOST = 3
    _PROVEN = 2  # uses in the small queue that lead to the main one

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._small_capacity = max(1, int(capacity * self._SMALL))
        self._uses: dict[int, int] = {}
        self._small: deque[int] = deque()
        self._main: deque[int] = deque()
        self._ghosts: OrderedDict[int, None] = OrderedDict()
        self._has_evicted = False

    def hit(self, block: int, _: int = 0) -> bool:
        uses = self._uses.get(block)
        if uses is not None:
            self._uses[block] = min(uses + 1, self._MOST)
            return True
        known = block in self._ghosts
        if known:
            del self._ghosts[block]
        if len(self._uses) == self._capacity:
            self._evict()
        spills = not self._has_evicted and len(self._small) >= self._small_capacity
        (self._main if known or spills else self._small).append(block)
        self._uses[block] = 0
        return False

    def _evict(self) -> None:
        self._has_evicted = True
        main_overflows = len(self._main) > self._capacity - self._small_capacity
        if main_overflows or not self._evicted_from_small():
            self._evict_from_main()

    def _evicted_from_small(self) -> bool:
        while self._small:
            block = self._small.popleft()
            if self._uses[block] >= self._PROVEN:
                self._uses[block] = 0
                self._main.append(block)
                continue
            del self._uses[block]
            self._ghosts[block] = None
            if len(self._ghosts) > self._capacity - self._small_capacity:
                self._ghosts.popitem(last=False)
            return True
        return False

    def _evict_from_main(self) -> None:
        while self._uses[block := self._main.popleft()]:
            self._uses[block] -= 1
            self._main.append(block)
        del self._uses[block]

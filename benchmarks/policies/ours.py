"""The evictor of FORMAT.md section 7, of blocks of one size: random samples, one re-use bit, batches."""

from __future__ import annotations

import random
from collections import Counter


class Ours:
    """`hit(block, application)` says whether a block was there, and takes it in unless the application's limit is used.

    batch: the share of the capacity that one eviction frees. looks: that many are looked at, at most, for each that
    goes. fill_limit: in blocks; 0: none.
    """

    def __init__(
        self, capacity: int, *, batch: float = 0.05, looks: int = 3, fill_limit: int = 0, seed: int = 0
    ) -> None:
        self._capacity = capacity
        self._low = int(capacity * (1 - batch))
        self._looks = looks
        self._fill_limit = fill_limit
        self._fills: Counter[int] = Counter()
        self._random = random.Random(seed)
        self._read: dict[int, bool] = {}
        self.looked_at = 0
        self.evicted = 0

    def hit(self, block: int, application: int = 0) -> bool:
        if block in self._read:
            self._read[block] = True
            return True
        if self._fill_limit:
            if self._fills[application] >= self._fill_limit:
                return False
            self._fills[application] += 1
        self._read[block] = False
        if len(self._read) > self._capacity:
            self._evict()
        return False

    def _evict(self) -> None:
        spared = 0
        while (goal := len(self._read) - self._low) > 0:
            for block in self._sample(goal):
                self.looked_at += 1
                if self._read[block] and spared < self._looks - 1:
                    self._read[block] = False
                    spared += 1
                else:
                    del self._read[block]
                    self.evicted += 1
                    spared = 0

    def _sample(self, goal: int) -> list[int]:
        """The fewest that may do, each with the same chance; what they spare is the goal of the next pass."""
        return self._random.sample(list(self._read), goal)

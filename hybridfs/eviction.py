"""Making room in a tier: second chance by sampling (FORMAT.md section 7).

No order is kept between calls and no list of all blocks is made. In a loop over 1.25 times the cache, where LRU and
CLOCK never hit, chance keeps most of what fits.
"""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable, Iterator

from hybridfs.contents import count, look_at, read_region, remove_if_empty, shards, size_on_disk, subdirectories
from hybridfs.ledger import UNIT, Usage
from hybridfs.locks import EVICTOR
from hybridfs.stats import Stats
from hybridfs.tier import Tier

_ROUNDS = 4
_MARGIN = 1.2  # by what a sample is larger than what it should yield, so that one pass mostly does
_MOST_SPARED = 2  # in a row: at most three blocks are looked at for each that goes
_WINDOW = 1024  # sampled blocks that are shuffled together: what lies together was often read together
_KNOWN = 32  # regions after which their mean number of blocks is believed
_IDLE = 3  # passes over everything, in which nothing could be unlinked
_TRIAL = 16 << 20  # bytes after which unlinking must have shown on the volume


def evict(tier: Tier, stats: Stats, demote: Callable[[str], None]) -> None:
    """Brings the tier under its budget and over its free-space floor, unless another process is at it.

    ``demote`` is given a block's relative path before it is unlinked. Faults of the disk set the tier aside.
    """
    with tier.lock.holding(EVICTOR) as got:
        if not got:
            return
        try:
            for _ in range(_ROUNDS):  # others publish meanwhile, and wait for nobody
                reached = _Eviction(tier, stats, demote).run()
                above = tier.ledger.used() > tier.budget
                if not (reached and above):
                    break
            if tier.shortfall() or (above and not reached):  # others fill the volume, readers hold it, all is pinned
                tier.rest()
        except OSError as error:
            tier.fault(error)


class _Eviction:
    """One run, by who holds the evictor's lock."""

    def __init__(self, tier: Tier, stats: Stats, demote: Callable[[str], None]) -> None:
        self._tier = tier
        self._stats = stats
        self._demote = demote
        self._published = tier.ledger.published.total()
        known = tier.ledger.read()
        self._counted = False
        if known is None or 0 < known.unlinked >= known.blocks:
            self._counted, known = True, count(tier.directory)
        else:
            known = Usage(known.size + self._published, known.blocks, known.unlinked)
        self._known = known
        self._estimate = self._published // UNIT  # of the blocks of a new tier that nobody has counted yet
        self._goal = self._floor = 0
        self._freed = self._unlinked = self._looked = self._spared = 0
        self._usual = _UsualRegion()
        self._random = random.Random()  # the caller's seed is the caller's
        self._recorded: Usage | None = None
        self._free_before = tier.free()
        self._trial = _TRIAL
        self._stuck = False

    def run(self) -> bool:
        """Unlinks until the goal is reached; False if it cannot be."""
        shortfall = self._tier.shortfall()
        self._floor = shortfall + self._tier.slack(self._known.size) if shortfall else 0
        self._goal = max(self._tier.surplus(self._known.size), self._floor)
        try:
            reached = self._unlink_enough()
        finally:
            self._record()
        if not reached and not self._counted and not self._stuck and self._tier.may_recount():
            # Less is here than was thought: others removed it.
            self._tier.ledger.reset(count(self._tier.directory), 0)
        return reached

    def _unlink_enough(self) -> bool:
        share, idle = 0.0, 0
        while self._freed < self._goal and not self._stuck:
            per_look = (self._unlinked + 1) / (self._looked + 1)
            missing = (self._goal - self._freed) / max(1, self._known.size - self._freed)
            share = min(1.0, max(_MARGIN * missing / per_look, 2 * share))
            looked, unlinked = self._looked, self._unlinked
            self._pass(share)
            if share == 1.0 and unlinked == self._unlinked:
                idle += 1
                if looked == self._looked or idle == _IDLE:
                    return False
        return not self._stuck

    def _pass(self, share: float) -> None:
        for window in self._sample(share):
            for path in window:
                if self._freed >= self._goal or self._is_vain():
                    return
                self._look(path)
            self._record()

    def _sample(self, share: float) -> Iterator[list[str]]:
        """Paths of blocks, each chosen with the probability ``share``; in batches, each in random order.

        Where all regions hold few blocks, most of them are not even listed: a region is opened with a probability at
        which it yields about one block, and its blocks are chosen with the rest of ``share``.
        """
        window: list[str] = []
        listed = regions = found = 0
        for shard in _shuffled(shards(self._tier.directory), self._random):
            for path in subdirectories(shard):
                listed += 1
                opens = self._usual.opens(share)
                if self._random.random() >= opens:
                    continue
                region = read_region(path)
                self._usual.add(len(region.blocks))
                regions += 1
                found += len(region.blocks)
                self._estimate = max(self._estimate, listed * found // regions)
                if not region.pinned:
                    window += (
                        os.path.join(path, name) for name in region.blocks if self._random.random() < share / opens
                    )
            if len(window) >= _WINDOW:
                yield _shuffled(window, self._random)
                window = []
        yield _shuffled(window, self._random)

    def _look(self, path: str) -> None:
        found = look_at(path)
        if found is None:
            return
        self._looked += 1
        if found.st_atime_ns > found.st_mtime_ns and self._spared < _MOST_SPARED:
            self._spared += 1
            with contextlib.suppress(FileNotFoundError, PermissionError):  # another user's, who lets nobody write
                os.utime(path)
            return
        self._spared = 0
        with contextlib.suppress(FileNotFoundError, PermissionError):
            self._demote(os.path.relpath(path, self._tier.directory))
            os.unlink(path)
            self._freed += size_on_disk(found)
            self._unlinked += 1
            self._stats.add("evicted_blocks")
            remove_if_empty(os.path.dirname(path))

    def _is_vain(self) -> bool:
        """Whether the volume gained less than half of what was unlinked: readers hold it, or others fill the volume."""
        if self._floor and self._freed >= self._trial:
            self._trial = self._freed + _TRIAL
            self._stuck = self._tier.free() - self._free_before < self._freed // 2
        return self._stuck

    def _record(self) -> None:
        """Writes what is known now: who is killed has not done it for nothing."""
        size = max(0, self._known.size - self._freed)
        usage = Usage(size, self._known.blocks or self._estimate, self._known.unlinked + self._unlinked)
        if usage != self._recorded or self._published:
            self._tier.ledger.reset(usage, self._published)
        self._recorded, self._published = usage, 0


class _UsualRegion:
    """How many blocks lie in the region in which a block lies, on average over the blocks."""

    def __init__(self) -> None:
        self._regions = self._blocks = self._squares = 0

    def add(self, blocks: int) -> None:
        self._regions += 1
        self._blocks += blocks
        self._squares += blocks * blocks

    def opens(self, share: float) -> float:
        """The probability with which to open a region when each block is to be chosen with ``share``."""
        if self._regions < _KNOWN or not self._blocks:
            return 1.0
        return min(1.0, share * self._squares / self._blocks)


def _shuffled(items: list[str], chance: random.Random) -> list[str]:
    chance.shuffle(items)
    return items

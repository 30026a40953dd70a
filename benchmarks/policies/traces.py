"""Made accesses of blocks, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
_QUERY = 64  # of the accesses to a skewed set, that many make one application


@dataclass(frozen=True)
class Trace:
    """Accesses in order. applications: whose each was, in whole numbers; who comes once fills once."""

    name: str
    blocks: Numbers
    applications: Numbers

    def __len__(self) -> int:
        return len(self.blocks)


_Parts = Iterator[Numbers]  # what one application after the other reads


def _loop(times: float) -> Callable[[int, np.random.Generator], _Parts]:
    def parts(capacity: int, _: np.random.Generator) -> _Parts:
        while True:
            yield np.arange(int(capacity * times))

    return parts


def _zipf_ranks(capacity: int, random: np.random.Generator, size: int) -> Numbers:
    """Of ten times as many blocks as fit, the i-th in proportion to 1/i."""
    shares = 1 / np.arange(1, 10 * capacity + 1)
    return np.searchsorted(np.cumsum(shares) / shares.sum(), random.random(size))


def _zipf(capacity: int, random: np.random.Generator) -> _Parts:
    while True:
        yield from _zipf_ranks(capacity, random, 1 << 16).reshape(-1, _QUERY)


def _zipf_and_scans(capacity: int, random: np.random.Generator) -> _Parts:
    """After each turnover's worth of skewed reads a scan of half the cache, of blocks that never come again."""
    never_yet = 10 * capacity
    while True:
        for begin in range(0, capacity, _QUERY):
            yield _zipf_ranks(capacity, random, min(_QUERY, capacity - begin))
        yield np.arange(never_yet, never_yet + capacity // 2)
        never_yet += capacity // 2


def _dimensions_and_facts(capacity: int, _: np.random.Generator) -> _Parts:
    """Each query reads dimension tables of 0.3 caches and the next fifth of a fact table of 3 caches."""
    dimensions = np.arange(int(0.3 * capacity))
    facts = len(dimensions) + np.arange(3 * capacity)
    while True:
        for partition in np.array_split(facts, 15):
            yield np.concatenate([dimensions, partition])


def _sliding_window(capacity: int, random: np.random.Generator) -> _Parts:
    """Days of a twentieth of the cache; each query reads all of some of the last 30, and seven make a day."""
    day = max(1, capacity // 20)
    today = 30
    while True:
        for _ in range(7):
            first = today - int(random.integers(1, 31))
            yield np.arange(first * day, min(today, first + 10) * day)
        today += 1


WORKLOADS: dict[str, Callable[[int, np.random.Generator], _Parts]] = {
    "loop 1.25×": _loop(1.25),
    "loop 2×": _loop(2),
    "zipf": _zipf,
    "zipf + scans": _zipf_and_scans,
    "dimensions + facts": _dimensions_and_facts,
    "sliding window": _sliding_window,
}


def made(name: str, capacity: int, accesses: int, seed: int) -> Trace:
    """A workload of that many accesses for a cache of ``capacity`` blocks."""
    blocks: list[Numbers] = []
    total = 0
    for part in WORKLOADS[name](capacity, np.random.default_rng(seed)):
        blocks.append(part)
        total += len(part)
        if total >= accesses:
            break
    applications = np.repeat(np.arange(len(blocks)), [len(part) for part in blocks])
    return Trace(name, np.concatenate(blocks)[:accesses], applications[:accesses])

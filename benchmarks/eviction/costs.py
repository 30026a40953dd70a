"""What evicting costs: `stat` calls for each block that goes, CPU time beside publishing alone."""

from __future__ import annotations

import os
import random
import re
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from benchmarks.eviction.ground import BLOCK, KIB, MIB, ON_DISK, Finding, apart, new_store, part, traced
from benchmarks.results import BenchmarkError
from hybridfs import eviction
from hybridfs.stats import Stats

_STAT_OF_BLOCK = re.compile(r'stat[a-z0-9]*\(.*"[^"]*/v1/[^"/]+/../[0-9a-f]{32}/\d+"')
_TURNOVERS = 4
_HELD = 1000
_PAIRS = 12
_FIT = 1000
_PUBLISHED = 400
_LARGE = 1 << 20
_ON_DISK_MIB = MIB + 4 * KIB
_REGION = 128
_TURN_OVER = """
import sys
from pathlib import Path
from benchmarks.eviction.costs import turn_over
print(turn_over(Path(sys.argv[1]), sys.argv[2] == "read"))
"""


def stats(scratch: Path, seed: int) -> list[Finding]:
    """Over several turnovers, once of blocks that nobody reads and once of blocks that all were read meanwhile."""
    findings = []
    for name in ("unread", "read"):
        printed, noted = traced(_TURN_OVER, scratch / name, name, options=["-e", "trace=%%stat"])
        evicted = int(printed)
        looks = sum(map(bool, map(_STAT_OF_BLOCK.search, noted.splitlines())))
        what = f"`stat` calls for each of {evicted} unlinked blocks ({name}), {evicted / _HELD:.1f} turnovers"
        findings.append(Finding(what, f"{looks / evicted:.2f}", "≤ 4", looks <= 4 * evicted and evicted >= 2 * _HELD))
    return findings


def turn_over(root: Path, reads: bool) -> int:
    """Publishes several times what the budget holds; returns how many blocks were evicted."""
    counts = Stats()
    store = new_store(root, counts, disk=_HELD * ON_DISK)
    data = memoryview(os.urandom(BLOCK))
    for number in range(_HELD * (_TURNOVERS + 1) // _REGION):
        identity = part(number, _REGION)
        for block in range(_REGION):
            store.publish(identity, block, data)
            if reads and (found := store.lookup(identity, block)) and hasattr(found, "mark_read"):
                found.mark_read(at_once=True)
    store.close()
    return counts.snapshot()["evicted_blocks"]


def cpu(scratch: Path, seed: int) -> list[Finding]:
    """Pairs of fresh processes that publish the same bytes to tiers that hold as many already: full, or large."""
    roots = {evicts: scratch / name for evicts, name in ((True, "full"), (False, "large"))}
    for root in roots.values():
        apart(_publish, root, _LARGE, 0, _FIT)
    ratios, shares, seconds = [], [], []
    turns = random.Random(seed)
    for number in range(1, _PAIRS + 2):
        pair = {}
        for evicts in turns.sample((False, True), 2):
            pair[evicts] = apart(_publish, roots[evicts], _FIT if evicts else _LARGE, number, _PUBLISHED)
            apart(_trim, roots[evicts])  # both begin each time with what fits, in memory that was used before
        if pair[False].evicted or pair[True].evicted < _PUBLISHED * 0.8:
            return [Finding("CPU of publishing", f"{pair} is no pair with and without eviction", "", False)]
        if number > 1:  # the first warms up
            ratios.append(pair[True].seconds / pair[False].seconds)
            shares.append(pair[True].evicting / (pair[True].seconds - pair[True].evicting))
            seconds.append(pair[False].seconds)
    more = median(ratios) - 1
    spread = f"{_PAIRS} pairs, {min(ratios) - 1:+.1%} … {max(ratios) - 1:+.1%}; without: {median(seconds):.3f} s"
    what = f"CPU of publishing {_PUBLISHED} blocks of 1 MiB with eviction beside without ({spread})"
    within = f"{min(shares):.1%} … {max(shares):.1%}"
    return [
        Finding(what, f"{more:+.1%}", "≤ +10 %", more <= 0.10),
        Finding(f"CPU in the evictor beside the rest of the same process ({within})", f"{median(shares):.1%}"),
    ]


@dataclass(frozen=True)
class _Run:
    """CPU seconds of publishing, those in the evictor of them, and blocks evicted."""

    seconds: float
    evicting: float
    evicted: int


def _trim(root: Path) -> None:
    counts = Stats()
    store = new_store(root, counts, block_size=MIB, disk=_FIT * _ON_DISK_MIB)
    eviction.evict(store.tiers[0], counts, lambda _: None)
    store.close()


def _publish(root: Path, fit: int, generation: int, blocks: int) -> _Run:
    """Publishes blocks to a tier in which ``fit`` of them fit."""
    counts = Stats()
    store = new_store(root, counts, block_size=MIB, disk=fit * _ON_DISK_MIB)
    data = memoryview(os.urandom(MIB))
    evicting = 0.0

    def evict(*arguments: Any) -> None:
        nonlocal evicting
        before = time.thread_time()
        eviction.evict(*arguments)
        evicting += time.thread_time() - before

    with patch("hybridfs.store.evict", evict):
        before = resource.getrusage(resource.RUSAGE_SELF)
        for number in range(blocks):
            file = part(generation * 1000 + number // _REGION, _REGION, MIB)
            refused = store.publish(file, number % _REGION, data)
            if refused:
                raise BenchmarkError(f"block {number} was not published: {refused}")
        after = resource.getrusage(resource.RUSAGE_SELF)
    store.close()
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return _Run(seconds, evicting, counts.snapshot()["evicted_blocks"])

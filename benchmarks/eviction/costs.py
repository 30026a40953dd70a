"""What evicting costs: `stat` calls for each block that goes, CPU time beside publishing alone."""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
from pathlib import Path
from statistics import median

from benchmarks.eviction.ground import BLOCK, MIB, ON_DISK, Finding, apart, new_store, part, traced
from hybridfs.stats import Stats

_STAT_OF_BLOCK = re.compile(r'stat[a-z0-9]*\(.*"[^"]*/v1/[^"/]+/../[0-9a-f]{32}/\d+"')
_TURNOVERS = 4
_HELD = 1000
_PAIRS = 12
_PUBLISHED = 200
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
    """Pairs of fresh processes that publish the same bytes: into an empty tier, and into a full one of some size."""
    ratios, seconds = [], []
    turns = random.Random(seed)
    for number in range(_PAIRS + 1):
        pair = {}
        for evicts in turns.sample((False, True), 2):
            root = scratch / "cpu"
            if evicts:
                apart(_publish, root, _PUBLISHED, 1)
            pair[evicts], evicted = apart(_publish, root, _PUBLISHED if evicts else 1 << 20, 2)
            shutil.rmtree(root)
            if evicts and evicted < _PUBLISHED * 0.9:
                return [Finding("CPU of publishing with eviction", f"only {evicted} blocks were evicted", "", False)]
        if number:  # the first warms up
            ratios.append(pair[True] / pair[False])
            seconds.append(pair[False])
    more = median(ratios) - 1
    spread = f"{_PAIRS} pairs, {min(ratios) - 1:+.1%} … {max(ratios) - 1:+.1%}; without: {median(seconds):.2f} s"
    what = f"CPU of publishing {_PUBLISHED} MiB with eviction beside without ({spread})"
    return [Finding(what, f"{more:+.1%}", "≤ +10 %", more <= 0.10)]


def _publish(root: Path, held: int, run: int) -> tuple[float, int]:
    """CPU seconds of publishing, and the blocks evicted meanwhile; ``held`` MiB fit."""
    counts = Stats()
    store = new_store(root, counts, block_size=MIB, disk=held * (MIB + 4096))
    data = memoryview(os.urandom(MIB))
    before = resource.getrusage(resource.RUSAGE_SELF)
    for number in range(_PUBLISHED):
        refused = store.publish(part(run * 1000 + number // _REGION, _REGION, MIB), number % _REGION, data)
        if refused:
            raise RuntimeError(f"block {number} was not published: {refused}")
    after = resource.getrusage(resource.RUSAGE_SELF)
    store.close()
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, counts.snapshot()["evicted_blocks"]

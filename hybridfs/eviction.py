"""Making room in a tier: second chance in random order (FORMAT.md section 7).

A scan keeps no order between calls and needs no ghosts. In a loop over 1.25 times the cache, where LRU and CLOCK never
hit, random order keeps most of what fits.
"""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hybridfs.locks import EVICTOR
from hybridfs.publishing import temporary_name, write_new
from hybridfs.stats import Stats
from hybridfs.tier import Tier

_PASSES = 4
_ORPHAN_SECONDS = 3600


@dataclass(frozen=True)
class Found:
    """A block file that the scan found."""

    relative: str
    size: int  # on disk, bytes
    reused: bool


def evict(tier: Tier, stats: Stats, demote: Callable[[str], None]) -> None:
    """Brings the tier under its budget and over its free-space floor, unless another process is at it.

    ``demote`` is given a block's relative path before it is unlinked. Faults of the disk set the tier aside.
    """
    with tier.lock.holding(EVICTOR) as got:
        if not got:
            return
        try:
            _remove_orphans(tier)
            for _ in range(_PASSES):  # others publish meanwhile, and wait for nobody
                _make_room(tier, stats, demote)
                if tier.ledger.used() <= tier.budget:
                    break
            if tier.shortfall():  # others fill the volume, or readers hold what was unlinked
                tier.rest()
        except OSError as error:
            tier.fault(error)


def _make_room(tier: Tier, stats: Stats, demote: Callable[[str], None]) -> None:
    published = tier.ledger.published()
    blocks = list(scan(tier))
    used = sum(block.size for block in blocks)
    goal = max(tier.surplus(used), tier.shortfall())
    tier.ledger.reset(used - _unlink(tier, blocks, goal, stats, demote), published)


def scan(tier: Tier) -> Iterator[Found]:
    """All blocks of a tier."""
    for domain in _directories(os.path.join(tier.directory, "v1")):
        if os.path.basename(domain) == "tmp":
            continue
        for shard in _directories(domain):
            for region in _directories(shard):
                with contextlib.suppress(FileNotFoundError), os.scandir(region) as entries:
                    for entry in entries:
                        if not entry.is_file(follow_symlinks=False):
                            continue
                        stat = entry.stat(follow_symlinks=False)
                        relative = os.path.relpath(entry.path, tier.directory)
                        yield Found(relative, stat.st_blocks * 512, stat.st_atime_ns > stat.st_mtime_ns)


def _directories(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _unlink(tier: Tier, blocks: list[Found], goal: int, stats: Stats, demote: Callable[[str], None]) -> int:
    """Unlinks until ``goal`` bytes are freed; returns the bytes."""
    random.shuffle(blocks)
    freed = 0
    spared: list[Found] = []
    for chance in (blocks, spared):
        for block in chance:
            if freed >= goal:
                return freed
            path = os.path.join(tier.directory, block.relative)
            with contextlib.suppress(FileNotFoundError):
                if block.reused and chance is not spared:
                    with contextlib.suppress(PermissionError):  # another user's block: spared this time all the same
                        os.utime(path)
                    spared.append(block)
                    continue
                demote(block.relative)
                os.unlink(path)
                freed += block.size
                stats.add("evicted_blocks")
                with contextlib.suppress(OSError):
                    os.removedirs(os.path.dirname(path))
    return freed


def _remove_orphans(tier: Tier) -> None:
    """Removes temporary files an hour older than a file made now, both by the file system's clock."""
    directory = os.path.join(tier.directory, "v1", "tmp")
    probe = os.path.join(directory, temporary_name())
    write_new(probe, [b""], tier.modes.file)
    now = os.stat(probe).st_mtime
    os.unlink(probe)
    with os.scandir(directory) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                if now - entry.stat(follow_symlinks=False).st_mtime > _ORPHAN_SECONDS:
                    os.unlink(entry.path)

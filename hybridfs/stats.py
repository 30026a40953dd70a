"""Counters of one process, the same names in Python and in the jar."""

from __future__ import annotations

import threading

COUNTERS = (
    "hit_blocks_map",
    "hit_blocks_memory",
    "hit_blocks_disk",
    "hit_bytes",
    "miss_blocks",
    "origin_bytes",
    "published_blocks",
    "published_bytes",
    "evicted_blocks",
    "promoted_blocks",
    "demoted_blocks",
    "corrupt",
    "version_changed",
    "not_admitted",
    "lock_timeouts",
    "tier_faults",
    "opens",
    "grants_reused",
)


class Stats:
    """Thread-safe counters. Blocks are counted once a read, bytes as delivered (hits) or as fetched (origin)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(COUNTERS, 0)

    def add(self, name: str, amount: int = 1) -> None:
        with self._lock:
            self._counts[name] += amount

    def hit(self, tier: str, size: int) -> None:
        """A block in ``tier`` (map, memory or disk) served ``size`` bytes."""
        with self._lock:
            self._counts[f"hit_blocks_{tier}"] += 1
            self._counts["hit_bytes"] += size

    def snapshot(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)

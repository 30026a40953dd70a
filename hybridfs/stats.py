"""Counters of one process, the same names in Python and in the jar."""

from __future__ import annotations

import threading
from enum import StrEnum


class Miss(StrEnum):
    """Why bytes came from the origin. Each is a counter, ``miss_<value>``.

    Of the first group each missed block has exactly one, so that they add up to ``miss_blocks``; what keeps a block
    from being published comes before why it was not found. Of the second group each opened file has at most one.
    """

    COLD = "cold"
    VERSION_CHANGED = "version_changed"  # the block was of another file of the same name (its validator)
    CORRUPT = "corrupt"
    LOCK_TIMEOUT = "lock_timeout"
    TIER_OFF = "tier_off"  # set aside after a fault, or never usable
    NO_SPACE = "no_space"
    FILL_LIMIT = "fill_limit"

    DISABLED = "disabled"
    DENIED = "denied"  # the origin refused the open
    ENCRYPTED = "encrypted"
    UNDER_CONSTRUCTION = "under_construction"
    TEMPORARY = "temporary"  # not admitted by name
    EXCLUDED = "excluded"  # not admitted by include or exclude
    TOO_LARGE = "too_large"  # not admitted by max_file_size
    UNVERSIONED = "unversioned"  # a status that is no version: mtime <= 0, a link


_TELLING = {reason: rank for rank, reason in enumerate(Miss)}
_OF_BLOCKS = frozenset(reason for reason in Miss if _TELLING[reason] < _TELLING[Miss.DISABLED])


def most_telling(one: Miss, other: Miss) -> Miss:
    """Of two reasons of the first group for one block, the one to count."""
    return max(one, other, key=_TELLING.__getitem__)


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
    "lock_timeouts",
    "tier_faults",
    "audit_faults",
    "opens",
    "grants_reused",
    "listings",  # that callers asked for
    "listings_reused",  # of which a kept one was the answer
    "listings_prefetched",  # that were asked for before a caller did
    "listing_rpcs",  # answers of the NameNode that listings and statuses took
    "listing_rpcs_plain",  # that they would have taken without hybridfs
    "statuses_reused",  # of files and directories, out of a kept listing
    *(f"miss_{reason}" for reason in Miss),
)


class Stats:
    """Thread-safe counters. Blocks are counted once a read, bytes as delivered (hits) or as fetched (origin)."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a file may be collected, and counted, in a thread that holds it
        self._counts = dict.fromkeys(COUNTERS, 0)

    def add(self, name: str, amount: int = 1) -> None:
        with self._lock:
            self._counts[name] += amount

    def hit(self, tier: str, size: int) -> None:
        """A block in ``tier`` (map, memory or disk) served ``size`` bytes."""
        with self._lock:
            self._counts[f"hit_blocks_{tier}"] += 1
            self._counts["hit_bytes"] += size

    def miss(self, reason: Miss, amount: int = 1) -> None:
        """Missed blocks, or opens of files that are passed through."""
        with self._lock:
            self._counts[f"miss_{reason}"] += amount
            if reason in _OF_BLOCKS:
                self._counts["miss_blocks"] += amount

    def snapshot(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)

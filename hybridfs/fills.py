"""How much an application may still publish on this host (FORMAT.md section 7, fill limit)."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Protocol

from hybridfs.layout import domain_name
from hybridfs.root import Root
from hybridfs.shared_sum import SharedSum
from hybridfs.stats import Miss, Stats

logger = logging.getLogger("hybridfs")


class _Sum(Protocol):
    def add(self, size: int, /) -> object: ...
    def total(self) -> int: ...


class _ProcessSum:
    """Bytes that this process has published."""

    def __init__(self) -> None:
        self._total = 0

    def add(self, size: int, /) -> None:
        self._total += size  # under the lock of Fills

    def total(self) -> int:
        return self._total


class Fills:
    """One application's fills of one root. ``limit`` in bytes, 0: none. Thread-safe.

    Blocks that are being published count already: a process goes above the limit by less than one MiB, which it has
    not told to the others yet.
    """

    def __init__(self, limit: int, total: _Sum, stats: Stats) -> None:
        self._limit = limit
        self._total = total
        self._stats = stats
        self._lock = threading.Lock()
        self._pending = 0
        self._warned = False

    def spent(self, size: int) -> bool:
        """Whether a block of ``size`` bytes would be refused now."""
        try:
            return bool(self._limit) and self._exceeds(size)
        except OSError:
            return True

    def publish(self, size: int, publish: Callable[[], Miss | None]) -> Miss | None:
        """Publishes ``size`` bytes if there is room for them; else FILL_LIMIT, TIER_OFF if nobody can tell."""
        if not self._limit:
            return publish()
        refused = self._reserve(size)
        if refused:
            return refused
        published = False
        try:
            refused = publish()
            published = refused is None
            return refused
        finally:
            self._settle(size, published=published)

    def _exceeds(self, size: int) -> bool:
        return self._total.total() + self._pending + size > self._limit

    def _reserve(self, size: int) -> Miss | None:
        with self._lock:
            try:
                if self._exceeds(size):
                    return Miss.FILL_LIMIT
            except OSError as error:
                return self._fault(error)
            self._pending += size
            return None

    def _settle(self, size: int, *, published: bool) -> None:
        with self._lock:
            try:
                if published:
                    self._total.add(size)
            except OSError as error:
                self._fault(error)  # it stays pending: this process knows of it, if nobody else does
                return
            self._pending -= size

    def _fault(self, error: OSError) -> Miss:
        self._stats.add("tier_faults")
        if not self._warned:
            self._warned = True
            logger.warning("fills are not counted: %s; what cannot be counted is not published", error)
        return Miss.TIER_OFF


_of_processes: dict[tuple[int, str], _ProcessSum] = {}


def open_fills(limit: int, application: str, root: Root | None, stats: Stats) -> Fills:
    """The fills of an application; of this process, whatever its caches of that root, if none is named."""
    if root and application:
        path = os.path.join(root.fills_directory, domain_name(application))
        return Fills(limit, SharedSum(path, root.modes), stats)
    place = (os.getpid(), root.path if root else "")
    return Fills(limit, _of_processes.setdefault(place, _ProcessSum()), stats)

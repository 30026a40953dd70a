"""What this process itself changes: no listing that was asked for before a change had ended is used after it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable

from cachetools import LRUCache

from hybridfs.listing.names import ancestors, parent_of

_REMEMBERED = 1 << 14


class _Ends(LRUCache[str, int]):
    """When the last change at a path ended. What is forgotten counts as a change of everything."""

    def __init__(self) -> None:
        super().__init__(_REMEMBERED)
        self.forgotten = 0

    def popitem(self) -> tuple[str, int]:
        path, ended = super().popitem()
        self.forgotten = max(self.forgotten, ended)
        return path, ended


class Barrier:
    """Changes of one HDFS by one process, under way and done. Paths are clean, moments those of time.monotonic_ns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()  # at and below these paths
        self._around_way: Counter[str] = Counter()  # at these directories only
        self._ended = _Ends()
        self._ended_around = _Ends()

    def begin(self, path: str, *, makes_parents: bool = False) -> list[str]:
        """A change at a path, which may change all below it; returns the paths whose entries it makes untrue."""
        around = _around(path, makes_parents)
        with self._lock:
            self._under_way[path] += 1
            self._around_way.update(around)
        return [path, *around]

    def end(self, path: str, *, makes_parents: bool = False) -> None:
        around = _around(path, makes_parents)
        with self._lock:
            now = time.monotonic_ns()
            _finish(self._under_way, self._ended, [path], now)
            _finish(self._around_way, self._ended_around, around, now)

    def allows(self, path: str, asked: int) -> bool:
        """Whether a listing of the path that was asked for then may be used."""
        with self._lock:
            if asked <= max(self._ended.forgotten, self._ended_around.forgotten):
                return False
            if self._around_way[path] or asked <= self._ended_around.get(path, -1):
                return False
            above = [path, *ancestors(path)]
            if self._under_way and any(self._under_way.get(one) for one in above):
                return False
            return not self._ended or all(asked > self._ended.get(one, -1) for one in above)


def _around(path: str, makes_parents: bool) -> list[str]:
    return ancestors(path) if makes_parents else [parent_of(path)]


def _finish(under_way: Counter[str], ended: _Ends, paths: Iterable[str], now: int) -> None:
    for path in paths:
        under_way[path] -= 1
        if under_way[path] <= 0:
            del under_way[path]
        ended[path] = now

"""Permissions that the origin granted, reused within ``freshness`` by the same user in the same process."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from cachetools import LRUCache, TLRUCache

from hybridfs.origin.base import Status

_REMEMBERED = 1 << 16


class Grants:
    """Grants of one origin as one user."""

    def __init__(self, freshness: float) -> None:
        # With the moment it was asked for, from which it counts, not from the answer.
        self._granted: TLRUCache[str, tuple[Status, float]] = TLRUCache(
            _REMEMBERED, lambda _, granted, __: granted[1] + freshness, timer=time.monotonic
        )
        self._proven: LRUCache[str, Status] = LRUCache(_REMEMBERED)
        self._refused_at: LRUCache[str, float] = LRUCache(_REMEMBERED)
        self._lock = threading.Lock()
        self._dropped_at = float("-inf")

    def get(self, path: str) -> Status | None:
        """The version whose opening was granted, if it is fresh."""
        with self._lock:
            status, _ = self._granted.get(path, (None, 0.0))
            return status

    def asked_at(self, path: str) -> float:
        """When the permission was asked for, monotonic seconds; infinity if it is not fresh."""
        with self._lock:
            _, asked_at = self._granted.get(path, (None, float("inf")))
            return asked_at

    def proven(self, path: str) -> Status | None:
        """The version whose opening was granted the last time, however long ago."""
        with self._lock:
            return self._proven.get(path)

    def put(self, path: str, status: Status, granted_at: float) -> None:
        """Remembers a grant from the moment it was *asked* for, unless something was refused or dropped since.

        It must be known to be of this version, not of another file that had the path for a moment.
        """
        with self._lock:
            if granted_at <= max(self._dropped_at, self._refused_at.get(path, self._dropped_at)):
                return
            self._proven[path] = status
            self._granted[path] = status, granted_at

    def refuse(self, path: str) -> None:
        """Forgets a path of which the origin answered that the version granted is not to be had."""
        with self._lock:
            self._refused_at[path] = time.monotonic()
            self._granted.pop(path, None)
            self._proven.pop(path, None)

    def drop(self, path: str) -> None:
        """Forgets a path and all below it."""
        with self._lock:
            self._dropped_at = time.monotonic()
            below = path.rstrip("/") + "/"
            for known in [known for known in self._granted if known == path or known.startswith(below)]:
                self._granted.pop(known, None)


@dataclass(frozen=True)
class Unproven:
    """A permission to read a path, which had the version ``status`` before it was asked for.

    It is of that version if a status shows it again that is asked for after ``given_at``, when the origin had answered.
    Both moments in monotonic seconds.
    """

    grants: Grants
    path: str
    status: Status
    asked_at: float
    given_at: float

    def keep(self) -> None:
        """It is proven: remembers it."""
        self.grants.put(self.path, self.status, self.asked_at)

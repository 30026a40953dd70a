"""Permissions that the origin granted, reused within ``freshness`` by the same user in the same process."""

from __future__ import annotations

import threading
import time

from cachetools import TTLCache

from hybridfs.origin.base import Status

_REMEMBERED = 1 << 16


class Grants:
    """Grants of one origin as one user."""

    def __init__(self, freshness: float) -> None:
        # With the moment it was asked for, from which it counts: the cache's own clock starts when the answer is there.
        self._granted: TTLCache[str, tuple[Status, float]] = TTLCache(_REMEMBERED, freshness, timer=time.monotonic)
        self._lock = threading.Lock()
        self._dropped_at = float("-inf")

    def get(self, path: str) -> Status | None:
        """The version whose opening was granted, if it is fresh."""
        with self._lock:
            status, granted_at = self._granted.get(path, (None, float("-inf")))
            return status if time.monotonic() - granted_at < self._granted.ttl else None

    def put(self, path: str, status: Status, granted_at: float) -> None:
        """Remembers a grant from the moment it was *asked* for, unless something was dropped since."""
        with self._lock:
            if granted_at > self._dropped_at and time.monotonic() - granted_at < self._granted.ttl:
                self._granted[path] = status, granted_at

    def drop(self, path: str) -> None:
        """Forgets a path and all below it."""
        with self._lock:
            self._dropped_at = time.monotonic()
            below = path.rstrip("/") + "/"
            for known in [known for known in self._granted if known == path or known.startswith(below)]:
                self._granted.pop(known, None)

"""What one process shares between its filesystem instances: fsspec makes one a thread."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Any

from fsspec.utils import tokenize

from hybridfs.config import Settings
from hybridfs.engine import Engine
from hybridfs.grants import Grants
from hybridfs.listing.barrier import Barrier
from hybridfs.listing.listings import Listings
from hybridfs.origin import identity_of_caller, make_origin
from hybridfs.origin.base import Origin
from hybridfs.stats import Stats


class Runtime:
    """Engines by their settings, origins by their options and user, and the process's counters."""

    def __init__(self) -> None:
        self.stats = Stats()
        self._lock = threading.Lock()
        self._engines: dict[Settings, Engine] = {}
        self._origins: dict[object, Origin] = {}
        self._grants: dict[tuple[int, float], Grants] = {}
        self._barriers: dict[str, Barrier] = {}

    def engine(self, settings: Settings) -> Engine:
        with self._lock:
            engine = self._engines.get(settings)
            if engine is None or engine.deserves_another:
                engine = self._engines[settings] = Engine(settings, self.stats, again=engine is not None)
            return engine

    def origin(self, protocol: str, options: dict[str, Any], fs: Any, settings: Settings) -> Origin:
        """Shared by those who see the same files as the same user, and whose blocks are of the same domain."""
        alone = settings.authorize == "fill"
        key = (protocol, tokenize(options), id(fs), identity_of_caller(), alone, settings.user)
        with self._lock:
            if key not in self._origins:
                self._origins[key] = make_origin(protocol, options, fs, alone=alone, user=settings.user)
            return self._origins[key]

    def grants(self, origin: Origin, freshness: float) -> Grants:
        with self._lock:
            return self._grants.setdefault((id(origin), freshness), Grants(freshness))

    def listings(self, origin: Origin, settings: Settings) -> Listings | None:
        """Who answers for an HDFS's directories; None of another origin."""
        return self.engine(settings).listings(origin, self._barrier)

    def _barrier(self, authority: str) -> Barrier:
        with self._lock:
            return self._barriers.setdefault(authority, Barrier())

    def abandon(self) -> None:
        for engine in self._engines.values():
            engine.abandon()


_runtime = Runtime()
_inherited: list[Runtime] = []  # kept: dropping an HDFS client in a child of a fork may hang


def current() -> Runtime:
    """This process's runtime."""
    return _runtime


def _after_fork() -> None:
    global _runtime
    inherited, _runtime = _runtime, Runtime()
    _inherited.append(inherited)
    with contextlib.suppress(Exception):  # the child must not pay for what it inherited
        inherited.abandon()


os.register_at_fork(after_in_child=_after_fork)


def stats() -> dict[str, int]:
    """The counters of this process: hits by tier, misses, bytes from cache and from the origin, faults."""
    return _runtime.stats.snapshot()

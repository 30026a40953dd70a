"""Where listings came from: counted, and remembered for who asks why."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from cachetools import LRUCache

from hybridfs.listing.form import Listing
from hybridfs.stats import Stats

Source = Literal["origin", "entry", "prefetched"]
_REMEMBERED = 1 << 12


class Answer(NamedTuple):
    """A listing, and who gave it."""

    listing: Listing
    source: Source
    of_file: bool = False  # which HDFS lists as itself

    @property
    def rpcs(self) -> int:
        """Answers of the NameNode that it took now."""
        return 0 if self.source == "entry" else self.listing.pages


@dataclass(frozen=True)
class _Told:
    mode: str
    source: Source
    age: float
    rpcs: int
    rpcs_plain: int
    when: float


class Answers:
    """The last answer for each path, of a bounded number of paths."""

    def __init__(self, stats: Stats) -> None:
        self._stats = stats
        self._told: LRUCache[str, _Told] = LRUCache(_REMEMBERED)
        self._lock = threading.Lock()

    def asked(self, rpcs: int, *, ahead: bool = False) -> None:
        """The NameNode gave so many answers."""
        self._stats.add("listing_rpcs", rpcs)
        if ahead:
            self._stats.add("listings_prefetched")

    def given(self, path: str, mode: str, answer: Answer) -> None:
        """A caller gets the listing of a path."""
        self._stats.add("listings")
        self._stats.add("listing_rpcs_plain", answer.listing.pages)
        if answer.source == "entry":
            self._stats.add("listings_reused")
        self._tell(path, mode, answer, answer.listing.pages)

    def failed(self) -> None:
        """A caller gets an error of the NameNode's instead."""
        self._stats.add("listings")
        self._stats.add("listing_rpcs_plain")

    def status(self, path: str, mode: str, answer: Answer | None) -> None:
        """A caller gets a status: out of the listing of its parent, or (None) of the NameNode."""
        self._stats.add("listing_rpcs_plain")
        if answer is None:
            self._stats.add("listing_rpcs")
        else:
            self._stats.add("statuses_reused")
            self._tell(path, mode, answer, 1)

    def _tell(self, path: str, mode: str, answer: Answer, plain: int) -> None:
        age = answer.listing.asked.age() or 0.0
        told = _Told(mode, answer.source, age, answer.rpcs, plain, time.time())
        with self._lock:
            self._told[path] = told

    def explain(self, path: str) -> dict[str, Any] | None:
        with self._lock:
            told = self._told.get(path)
        return None if told is None else dict(vars(told))

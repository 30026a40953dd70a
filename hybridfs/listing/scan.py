"""Many listings that are one request, as of `find` and `walk`: fetched ahead, or reused (FORMAT.md section 10)."""

from __future__ import annotations

import heapq
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NamedTuple

from hybridfs.listing.answers import Answer, Source
from hybridfs.listing.form import Listing, Moment, Record
from hybridfs.listing.names import child_of

IN_FLIGHT = 128  # listings; a NameNode queues 1,000 calls unless told otherwise
_RECORDS = 1 << 18  # of listings that nobody has taken yet
_PAUSE = 1.0
_TOLD = (FileNotFoundError, PermissionError, NotADirectoryError)  # the NameNode's word, as good ahead as later
Key = tuple[int, ...]


class Node(NamedTuple):
    """A directory of a scan. ``key``: its place in depth-first order.

    ``record``: by a listing of its parent that was asked for at ``shown``; None of the first, of which there is none.
    """

    key: Key
    path: str
    record: Record | None
    shown: Moment


@dataclass
class Window:
    """How many listings to fetch ahead of a caller who may not want them all."""

    size: int = 8
    least: int = 4
    most: int = 64

    def used(self) -> None:
        self.size = min(self.most, self.size + 1)

    def wasted(self) -> None:
        self.size = max(self.least, self.size // 2)


WHOLE = (1 << 14, 1 << 14, 1 << 14)  # a window of who wants them all


class Fetching(NamedTuple):
    """How a scan gets listings, by path.

    ``entry``: what is kept and answers in a scan that began then, by the directory's record if the scan knows one.
    ``real``: asks the NameNode in this thread; ``soon``: in another. ``usable``: whether what was
    asked for ahead, at that moment, still is.
    """

    entry: Callable[[str, Node | None, Moment], Listing | None]
    real: Callable[[str, Record | None], Answer]
    soon: Callable[[str, Record | None, Source], Future[Answer]]
    usable: Callable[[str, Moment], bool]


@dataclass
class _Ahead:
    """A listing that is asked for before the caller does. What it holds is counted when it is there and waits."""

    node: Node
    answer: Future[Answer] = field(default_factory=Future)
    asked: Moment = field(default_factory=Moment.now)
    records: int = 0
    expanded: bool = False


class Scan:
    """One scan, by one caller at a time. ``maxdepth`` as fsspec counts it; ``patient``: it never pauses.

    What is in flight is bounded, and what waits for the caller, who himself waits for nothing but what he asks for.
    """

    def __init__(self, fetching: Fetching, maxdepth: int | None, window: Window, *, patient: bool) -> None:
        self._fetching = fetching
        self._maxdepth = maxdepth
        self._window = window
        self._patient = patient
        self._lock = threading.Lock()
        self._began = Moment.now()
        self._answered_at = time.monotonic()
        self._heap: list[tuple[Key, Node]] = []
        self._known: dict[str, Node] = {}  # shown and not listed yet
        self._ahead: dict[str, _Ahead] = {}
        self._in_flight = self._records = 0
        self._closed = False
        self._pid = os.getpid()

    @property
    def is_inherited(self) -> bool:
        """Whether this is the child of a fork: the threads that answer, and may hold the lock, are not in it."""
        return self._pid != os.getpid()

    def begin(self, path: str) -> None:
        """Gets the scan's first directory, while the caller does something else."""
        node = Node((), path, None, self._began)
        with self._lock:
            self._known[path] = node
            ahead = self._register(node)
        self._fill(ahead)

    def list(self, path: str) -> Answer:
        """The listing of a directory. Raises as the NameNode does."""
        self._after_pause()
        with self._lock:
            node = self._known.pop(path, None)
            ahead = self._take(path)
            if node and not self._patient:
                self._drop_passed(node.key)
            if ahead:
                self._window.used()
        answer = self._awaited(path, ahead) if ahead else None
        if answer is None:
            answer, ahead = self._now(path, node), None
        with self._lock:
            if not (ahead and ahead.expanded):
                self._expand(node.key if node else (), path, answer.listing)
        self._top_up()
        self._answered_at = time.monotonic()
        return answer

    def close(self) -> None:
        """No more is asked for."""
        if self.is_inherited:
            return
        with self._lock:
            self._closed = True
            self._heap, self._known, self._ahead = [], {}, {}

    def _after_pause(self) -> None:
        """After a pause of the caller's this is a new request: nothing of before counts."""
        if self._patient or time.monotonic() - self._answered_at <= _PAUSE:
            return
        with self._lock:
            self._began = Moment.now()
            for path in list(self._ahead):
                if ahead := self._take(path):
                    heapq.heappush(self._heap, (ahead.node.key, ahead.node))

    def _take(self, path: str) -> _Ahead | None:
        ahead = self._ahead.pop(path, None)
        self._records -= ahead.records if ahead else 0
        return ahead

    def _drop_passed(self, key: Key) -> None:
        """Whoever walks in depth-first order will not come to what stands before ``key``."""
        while self._heap and self._heap[0][0] < key:
            self._known.pop(heapq.heappop(self._heap)[1].path, None)
        for path in [path for path, ahead in self._ahead.items() if ahead.node.key < key]:
            self._known.pop(path, None)
            self._take(path)
            self._window.wasted()

    def _awaited(self, path: str, ahead: _Ahead) -> Answer | None:
        """What was asked for ahead, unless it must not be used or says no more than that something is wrong."""
        error = ahead.answer.exception()  # also a panic of hdfs-native, which is no Exception
        if isinstance(error, _TOLD) and self._fetching.usable(path, ahead.asked):
            raise error
        if error is not None:
            return None
        answer = ahead.answer.result()
        return answer if self._fetching.usable(path, answer.listing.asked) else None

    def _now(self, path: str, node: Node | None) -> Answer:
        kept = self._fetching.entry(path, node, self._began)
        return Answer(kept, "entry") if kept else self._fetching.real(path, node.record if node else None)

    def _expand(self, key: Key, path: str, listing: Listing) -> None:
        """Puts a directory's subdirectories among those to be listed."""
        if self._closed or (self._maxdepth is not None and len(key) + 1 >= self._maxdepth):
            return
        for number, child in enumerate(listing.children):
            if child.directory:
                node = Node((*key, number), child_of(path, child.name), child, listing.asked)
                self._known[node.path] = node
                heapq.heappush(self._heap, (node.key, node))

    def _top_up(self) -> None:
        """Asks for as many of the next directories as may be in flight and may wait."""
        while (ahead := self._next()) is not None:
            self._fill(ahead)

    def _fill(self, ahead: _Ahead) -> None:
        node = ahead.node
        try:
            kept = self._fetching.entry(node.path, node, self._began)
            if kept is None:
                asked = self._fetching.soon(node.path, node.record, "prefetched" if node.key else "origin")
        except Exception as error:  # no more threads or memory for this process: whoever wants it asks
            with self._lock:
                self._in_flight -= 1
                self._window = Window(0, 0, 0)
            ahead.answer.set_exception(error)
            return
        if kept is None:
            asked.add_done_callback(lambda done: self._answered(ahead, done))
        else:
            self._arrived(ahead, Answer(kept, "entry"))

    def _next(self) -> _Ahead | None:
        with self._lock:
            while self._heap and self._may_ask():
                node = heapq.heappop(self._heap)[1]
                if self._known.get(node.path) is node:  # nobody has listed it meanwhile
                    return self._register(node)
            return None

    def _may_ask(self) -> bool:
        waiting = len(self._ahead) < self._window.size and self._records < _RECORDS
        return waiting and self._in_flight < IN_FLIGHT

    def _register(self, node: Node) -> _Ahead:
        ahead = self._ahead[node.path] = _Ahead(node)
        self._in_flight += 1
        return ahead

    def _answered(self, ahead: _Ahead, done: Future[Answer]) -> None:
        error = done.exception()
        if error is None:
            self._arrived(ahead, done.result())
        else:
            with self._lock:
                self._in_flight -= 1
            ahead.answer.set_exception(error)
        self._top_up()

    def _arrived(self, ahead: _Ahead, answer: Answer) -> None:
        with self._lock:
            self._in_flight -= 1
            if self._ahead.get(ahead.node.path) is ahead:
                ahead.records = len(answer.listing.children)
                self._records += ahead.records
                ahead.expanded = True
                self._expand(ahead.node.key, ahead.node.path, answer.listing)
        ahead.answer.set_result(answer)

"""Who answers for a directory: the NameNode, or what it said before (FORMAT.md section 10)."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from hybridfs.layout import clean
from hybridfs.listing.answers import Answer, Answers, Source
from hybridfs.listing.barrier import Barrier
from hybridfs.listing.entries import Entries
from hybridfs.listing.form import Listing, Moment, Record
from hybridfs.listing.names import name_of, parent_of
from hybridfs.listing.namespace import Namespace, Seen, info, is_file, listing, pages, record
from hybridfs.listing.scan import WHOLE, Fetching, Node, Scan, Window
from hybridfs.stats import Stats

_SETTLED_MS = 60_000  # before it was asked for: a change of a directory within a tick need not move its time


class Listings:
    """The directories of one HDFS, as one user sees them. ``freshness`` in seconds.

    ``mode`` gives the one in force now, `origin`, `validated` or `bounded`; ``entries``: None where none are kept.
    """

    def __init__(
        self,
        namespace: Namespace,
        entries: Entries | None,
        barrier: Barrier,
        stats: Stats,
        freshness: float,
        mode: Callable[[], str],
    ) -> None:
        self._namespace = namespace
        self._entries = entries
        self._barrier = barrier
        self._freshness = freshness
        self._mode = mode
        self._answers = Answers(stats)
        self._fetching = Fetching(self._entry, self._real, self._soon, self._usable)

    @property
    def mode(self) -> str:
        return self._mode() if self._entries and self._freshness > 0 else "origin"

    def explain(self, path: str) -> dict[str, Any] | None:
        """How the path was answered for the last time; None if it was not, or long ago."""
        return self._answers.explain(clean(path))

    # ---- questions

    def ls(self, path: str, scan: Scan | None = None, *, refresh: bool = False) -> list[dict[str, Any]]:
        """A directory's children, or the file itself, as fsspec's ``info`` tells them. Raises as the NameNode does.

        ``refresh``: by the NameNode, whatever the mode.
        """
        path, mode = clean(path), self.mode
        try:
            answer = scan.list(path) if scan else self._ls(path, bounded=mode == "bounded" and not refresh)
        except OSError:
            self._answers.failed()
            raise
        self._answers.given(path, mode, answer)
        directory = parent_of(path) if answer.of_file else path
        return [info(directory, child) for child in answer.listing.children]

    def info(self, path: str) -> dict[str, Any]:
        """A file or directory. Raises as the NameNode does."""
        path, mode = clean(path), self.mode
        kept = self._kept_status(path) if mode == "bounded" and path != "/" else None
        self._answers.status(path, mode, kept and Answer(kept[0], "entry"))
        if kept is None:
            return info(parent_of(path), record(self._look(path, mode)))
        if kept[1] is None:
            raise _absent(path)
        return info(parent_of(path), kept[1])

    def _look(self, path: str, mode: str) -> Seen:
        asked = Moment.now()
        try:
            return self._namespace.look(path)
        except FileNotFoundError:
            self._keep_absent(path, asked, mode)
            raise

    def kept_status(self, path: str, asked_after: float) -> Record | None:
        """In the mode `bounded`, a file as its parent's kept listing shows it, if that was asked for after a moment.

        The moment is one of ``time.monotonic``.
        """
        path = clean(path)
        kept = self._kept_status(path) if self.mode == "bounded" and path != "/" else None
        if kept is None or kept[1] is None or kept[1].directory or kept[0].asked.ticks < asked_after * 1e9:
            return None
        return kept[1]

    def _kept_status(self, path: str) -> tuple[Listing, Record | None] | None:
        """By a fresh listing of the parent, or one that says that there is no such path."""
        kept = self._kept(parent_of(path))
        if kept is not None:
            return kept, None if kept.absent else kept.named(name_of(path))
        absent = self._kept(path)
        return (absent, None) if absent and absent.absent else None

    def _kept(self, path: str) -> Listing | None:
        return self._entries.find(path, self._freshness) if self._entries else None

    def _ls(self, path: str, *, bounded: bool) -> Answer:
        kept = self._kept(path) if bounded else None
        if kept is None:
            return self._real(path, None)
        if kept.absent:
            raise _absent(path)
        return Answer(kept, "entry")

    # ---- scans

    @contextmanager
    def scan(self, maxdepth: int | None, *, whole: bool) -> Iterator[Scan | None]:
        """Many listings that are one request; None where each is one. ``whole``: all of them are wanted."""
        if self.mode == "origin":
            yield None
            return
        scan = Scan(self._fetching, maxdepth, Window(*WHOLE) if whole else Window(), patient=whole)
        try:
            yield scan
        finally:
            scan.close()

    def _entry(self, path: str, node: Node | None, began: Moment) -> Listing | None:
        """What is kept of a directory, if it answers in a scan that began then."""
        mode = self.mode
        if mode == "origin":  # switched off meanwhile
            return None
        if mode == "bounded":
            kept = self._kept(path)
            return kept if kept and not kept.absent else None
        shown = node.record if node and node.shown.ticks >= began.ticks else None
        kept = self._kept(path) if shown else None
        borne_out = kept and shown and kept.own and _same(kept, kept.own, shown)
        return kept if kept and borne_out and kept.is_leaf else None

    def _usable(self, path: str, asked: Moment) -> bool:
        age = asked.age()
        fresh = age is not None and age < self._freshness
        return fresh and self._barrier.allows(path, asked.ticks)

    # ---- the NameNode's answers

    def _real(self, path: str, own: Record | None) -> Answer:
        asked = Moment.now()
        try:
            seen = self._namespace.list(path)
        except OSError as error:
            self._failed(path, asked, error)
            raise
        return self._taken(path, seen, asked, own, "origin")

    def _soon(self, path: str, own: Record | None, source: Source) -> Future[Answer]:
        asked = Moment.now()
        answer: Future[Answer] = Future()

        def arrived(done: Future[Sequence[Seen]]) -> None:
            try:
                answer.set_result(self._taken(path, done.result(), asked, own, source))
            except BaseException as error:  # a panic of hdfs-native is no Exception; somebody waits
                answer.set_exception(error)
                self._failed(path, asked, error)

        self._namespace.list_soon(path).add_done_callback(arrived)
        return answer

    def _taken(self, path: str, seen: Sequence[Seen], asked: Moment, own: Record | None, source: Source) -> Answer:
        self._answers.asked(pages(seen), ahead=source == "prefetched")
        answer = Answer(listing(seen, asked, own), source, is_file(path, seen))
        if self._entries and not answer.of_file and self.mode != "origin":
            self._entries.keep(path, answer.listing, self._freshness)
        return answer

    def _failed(self, path: str, asked: Moment, error: BaseException) -> None:
        self._answers.asked(1)
        if isinstance(error, FileNotFoundError):
            self._keep_absent(path, asked, self.mode)

    def _keep_absent(self, path: str, asked: Moment, mode: str) -> None:
        if self._entries and mode == "bounded":
            self._entries.keep(path, Listing((), asked, complete=True, absent=True), self._freshness)

    # ---- changes

    def begin_change(self, path: str, *, makes_parents: bool = False) -> Callable[[], None]:
        """A change at a path, and below it: drops what becomes untrue, now and when it has ended.

        Calling the result says that it has.
        """
        path = clean(path)
        untrue = self._barrier.begin(path, makes_parents=makes_parents)
        self._drop(untrue)

        def end() -> None:
            self._barrier.end(path, makes_parents=makes_parents)
            self._drop(untrue)

        return end

    def _drop(self, paths: list[str]) -> None:
        if self._entries:
            self._entries.drop(paths)

    def forget(self, path: str) -> None:
        """Drops what showed a file that is not there, or not so: who tries again sees the truth."""
        self.begin_change(path)()


def _same(kept: Listing, own: Record, shown: Record) -> bool:
    """Whether a directory is as it was long before it was listed, as far as both clients see it."""
    one, other = ((found.modified, found.permission, found.owner, found.group) for found in (own, shown))
    files = {own.file_id, shown.file_id} - {0}
    settled = own.modified <= kept.asked.wall - _SETTLED_MS and own.modified <= Moment.now().wall
    return shown.directory and one == other and len(files) < 2 and settled


def _absent(path: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

"""How an open is decided: its version, the permission, and what may be served when the origin does not answer."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from hybridfs.errors import FileChanged
from hybridfs.grants import Grants, Unproven
from hybridfs.origin.answers import Answers
from hybridfs.origin.base import Origin, OriginReader, Status, unanswered
from hybridfs.stats import Stats

_RECOVERY_SECONDS = 15.0
_DIRECTORIES = 1 << 14
_ROUNDS = 16


Known = Callable[[str, float], Status | None]


@dataclass(frozen=True)
class Opened:
    """The version to read, a reader if one was opened after that was known, and a permission that is to be proven."""

    status: Status
    reader: OriginReader | None = None
    unproven: Unproven | None = None

    @property
    def unfinished(self) -> bool:
        """Whether the file is still being written."""
        return self.reader is not None and self.reader.length > self.status.length


class Opener:
    """Asks the origin for the version and, unless a fresh grant stands, for the permission.

    Two answers may be of two files: who may rename puts one of his own in a path's place for a moment. So the version
    is asked for first, then the permission and, to leave him little time, the version beside it, then (before bytes
    from the cache are read, not at the open) the version again. Once that has proven the permission of a version, later
    opens ask for both side by side, and for no more. So does the first open of a version that all may read who may open
    what the path names.

    ``held``: given (authorize=fill), it finds blocks of a version in the cache, which were filled with this user's
    permission: then only the version is asked for, and the permission where bytes are fetched. It returns the status,
    marked as encrypted if the blocks are the plaintext of an encryption zone, or None.
    """

    def __init__(self, stats: Stats, held: Callable[[Origin, str, Status], Status | None] | None) -> None:
        self._stats = stats
        self._held = held
        self._answers = Answers()
        self._guarded: set[tuple[str, str]] = set()  # directories in which lately a file was, by domain

    def open(self, origin: Origin, grants: Grants, path: str, known: Known | None = None) -> Opened:
        """Raises what the origin raises; an error that is no answer tells when one is not needed.

        ``known``: the version as the origin told it lately, if that was asked for after a moment (monotonic seconds).
        It stands for its answer where the permission to read that version is fresh.
        """
        granted = grants.get(path)
        shown = known(path, grants.asked_at(path)) if granted and known else None
        if granted and shown and granted.same_version(shown):
            self._stats.add("grants_reused")
            return Opened(granted)
        try:
            return self._ask(origin, grants, path, granted)
        except Exception as error:
            if unanswered(error):
                _explain(error, origin, path)
            else:
                grants.refuse(path)
            raise

    def _ask(self, origin: Origin, grants: Grants, path: str, granted: Status | None) -> Opened:
        asked_at = time.monotonic()
        proven = None if granted or self._held else grants.proven(path)
        place = origin.domain, os.path.dirname(path)
        beside = proven or not (granted or self._held or place in self._guarded)
        opening = self._answers.start(lambda: origin.open(path)) if beside else None
        try:
            status = origin.status(path, briefly=granted is not None)
        except Exception as error:
            if granted and unanswered(error):  # it was fresh when this open was asked for
                self._stats.add("grants_reused")
                return Opened(granted)
            raise
        if granted:
            if granted.same_version(status):
                self._stats.add("grants_reused")
                return Opened(replace(status, encrypted=granted.encrypted or status.encrypted))
            grants.refuse(path)
        held = self._held(origin, path, status) if self._held else None
        if held:
            grants.put(path, held, asked_at)
            return Opened(held)
        if opening and (not status.guarded or (proven and proven.same_version(status))):
            permitted = opening.result()
            if permitted.length in (-1, status.length):
                status = _as_read(status, permitted)
                grants.put(path, status, asked_at)
                return Opened(status)  # without the reader, which may be of another file
        if status.guarded:
            self._remember_guarded(place)
        return self._ask_after(origin, grants, path, status)

    def _remember_guarded(self, place: tuple[str, str]) -> None:
        if len(self._guarded) >= _DIRECTORIES:
            self._guarded.clear()
        self._guarded.add(place)

    def _ask_after(self, origin: Origin, grants: Grants, path: str, status: Status) -> Opened:
        """For the permission, once the version is known."""
        asked_at = time.monotonic()
        status, reader = self._settled(origin, path, status)
        status = _as_read(status, reader)
        opened = Opened(status, reader)
        if opened.unfinished:  # a grant would hide what is flushed to a file that is being written
            grants.refuse(path)
            return opened
        unproven = Unproven(grants, path, status, asked_at, time.monotonic())
        if not status.length:
            unproven.keep()  # there is no byte to wait for
        return replace(opened, unproven=unproven)

    def _settled(self, origin: Origin, path: str, status: Status) -> tuple[Status, OriginReader]:
        """A version and a reader that was opened after it was known, unless the reader is the longer one.

        Then the file is being written: the reader was opened first. A shorter one shows that the end of the file is
        being recovered (a truncate, a writer that died): waits a little. Raises FileChanged if it is replaced all the
        time.
        """
        import stamina

        for attempt in stamina.retry_context(on=_Unreadable, attempts=None, timeout=_RECOVERY_SECONDS, wait_max=1.0):
            with attempt:
                for _ in range(_ROUNDS):
                    opening = self._answers.start(lambda: origin.open(path))
                    beside = origin.status(path)
                    reader = opening.result()
                    if reader.length in (-1, status.length) and beside.same_version(status):
                        return status, reader
                    status = origin.status(path)  # of what was replaced meanwhile, or is being written
                    if reader.length > status.length:
                        return status, reader
                    if 0 <= reader.length < status.length:
                        raise _unreadable(path, reader.length, status.length)
        raise FileChanged(path)


def _as_read(status: Status, reader: OriginReader) -> Status:
    return status if reader.encrypted is None else replace(status, encrypted=status.encrypted or reader.encrypted)


def _explain(error: Exception, origin: Origin, path: str) -> None:
    """Adds a sentence to an error's text; its class stays what it is."""
    who = "NameNode" if "hdfs" in origin.uri(path).partition(":")[0].lower() else "origin"
    told = f"cached data is served without the {who} only within freshness of a grant"
    if isinstance(error, OSError) and error.strerror:
        error.strerror = f"{error.strerror}; {told}"
        error.args = (error.errno, error.strerror)  # what is pickled
    else:
        error.args = (f"{error}; {told}",)


class _Unreadable(OSError):
    """The origin gives fewer bytes than the file has."""


def _unreadable(path: str, readable: int, length: int) -> _Unreadable:
    text = f"only {readable} of {length} bytes can be read while its end is being recovered"
    return _Unreadable(errno.EAGAIN, f"{text}; try again", path)

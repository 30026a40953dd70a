"""How an open is decided: its version, the permission, and what may be served when the origin does not answer."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from hybridfs.grants import Grants
from hybridfs.origin.base import Origin, OriginReader, Status, unanswered
from hybridfs.stats import Stats

_OPENERS = 8
_RECOVERY_SECONDS = 15.0


@dataclass(frozen=True)
class Opened:
    """The version to read, and a reader if one was opened after that was known."""

    status: Status
    reader: OriginReader | None = None

    @property
    def unfinished(self) -> bool:
        """Whether the file is still being written."""
        return self.reader is not None and self.reader.length > self.status.length


class Opener:
    """Asks the origin for the version and, unless a fresh grant stands, for the permission, side by side.

    ``held``: given (authorize=fill), it finds blocks of a version in the cache, which were filled with this user's
    permission: then only the version is asked for, and the permission where bytes are fetched. It returns the status,
    marked as encrypted if the blocks are the plaintext of an encryption zone, or None.
    """

    def __init__(self, stats: Stats, held: Callable[[Origin, str, Status], Status | None] | None) -> None:
        self._stats = stats
        self._held = held
        self._pool = ThreadPoolExecutor(_OPENERS, "hybridfs-open")

    def open(self, origin: Origin, grants: Grants, path: str) -> Opened:
        """Raises what the origin raises; an error that is no answer tells when one is not needed."""
        granted = grants.get(path)
        try:
            return self._ask(origin, grants, path, granted)
        except Exception as error:
            if not unanswered(error):
                raise
            _explain(error, origin, path)
            raise

    def _ask(self, origin: Origin, grants: Grants, path: str, granted: Status | None) -> Opened:
        asked_at = time.monotonic()
        opening = None if granted or self._held else self._pool.submit(origin.open, path)
        try:
            status = origin.status(path, briefly=granted is not None)
        except Exception as error:
            if granted and unanswered(error):  # it was fresh when this open was asked for
                self._stats.add("grants_reused")
                return Opened(granted)
            raise
        if granted and granted.same_version(status):
            self._stats.add("grants_reused")
            return Opened(replace(status, encrypted=granted.encrypted or status.encrypted))
        held = self._held(origin, path, status) if self._held else None
        if held:
            grants.put(path, held, asked_at)
            return Opened(held)
        permitted = opening.result() if opening else origin.open(path)
        # Opened beside the status it may be of an older version: then it shows the permission, and is not read from.
        reader = None if opening else permitted
        if 0 <= permitted.length != status.length:  # replaced between the two answers, or still being written
            status, permitted = _reopen(origin, path)
            reader = permitted if permitted.length > status.length else None
        status = replace(status, encrypted=permitted.encrypted or status.encrypted)
        if permitted.length <= status.length:  # a grant would hide what is flushed to a file that is being written
            grants.put(path, status, asked_at)
        return Opened(status, reader)


def _explain(error: Exception, origin: Origin, path: str) -> None:
    """Adds a sentence to an error's text; its class stays what it is."""
    who = "NameNode" if "hdfs" in origin.uri(path).partition(":")[0].lower() else "origin"
    told = f"cached data is served without the {who} only within freshness of a grant"
    if isinstance(error, OSError) and error.strerror:
        error.strerror = f"{error.strerror}; {told}"
    else:
        error.args = (f"{error}; {told}",)


class _Unreadable(OSError):
    """The origin gives fewer bytes than the file has."""


def _reopen(origin: Origin, path: str) -> tuple[Status, OriginReader]:
    """A reader, and a status asked for after it. If it reads more than the status says, the file is being written.

    If it reads less, the end of the file is being recovered (a truncate, a writer that died): waits a little.
    """
    import stamina

    for attempt in stamina.retry_context(on=_Unreadable, attempts=None, timeout=_RECOVERY_SECONDS, wait_max=1.0):
        with attempt:
            reader = origin.open(path)
            status = origin.status(path)
            if reader.length < status.length:
                text = f"only {reader.length} of {status.length} bytes can be read while its end is being recovered"
                raise _Unreadable(errno.EAGAIN, f"{text}; try again", path)
    return status, reader

"""A line for each open, in the form of HDFS's own audit log. It informs; the NameNode's log stays the authority."""

from __future__ import annotations

import errno
import logging
import os
import socket
import stat
import threading
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from hybridfs.publishing import write_once
from hybridfs.stats import Stats

logger = logging.getLogger("hybridfs")

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_SEPARATORS = "\u2028\u2029"


class Usage:
    """What one open file gave its readers, for its line at the end; of a file without such a line nothing is kept."""

    def hit(self, size: int) -> None:
        """``size`` bytes came from the cache."""

    def fetched(self, size: int) -> None:
        """``size`` bytes came from the origin, delivered or not."""

    def refused(self) -> None:
        """The origin denied them."""

    def close(self) -> None:
        """No more will come."""


UNWATCHED = Usage()


class _Watched(Usage):
    """Thread-safe; tells once, and only in the process that opened the file."""

    def __init__(self, audit: Audit, caller: str, path: str) -> None:
        self._audit = audit
        self._caller = caller
        self._path = path
        self._pid = os.getpid()
        self._lock = threading.RLock()  # a file may be collected in a thread that holds it
        self._hit = self._missed = 0
        self._told = False

    def hit(self, size: int) -> None:
        with self._lock:
            self._hit += size

    def fetched(self, size: int) -> None:
        with self._lock:
            self._missed += size

    def refused(self) -> None:
        self._audit.opened(self._caller, self._path, allowed=False)

    def close(self) -> None:
        if self._pid != os.getpid():
            return  # a child's copy, whose lock somebody may hold for ever
        with self._lock:
            told, self._told = self._told, True
        if not told:
            self._audit.closed(self._caller, self._path, self._hit, self._missed)


class Audit:
    """Appends to one file; an empty path is none. Whatever fails is counted, and told once."""

    def __init__(self, path: str, mode: int, stats: Stats) -> None:
        self._path = path
        self._mode = mode
        self._stats = stats
        self._warned = False

    def opened(self, caller: str, path: str, *, allowed: bool) -> None:
        """``caller`` as Hadoop writes users: ``alice (auth:KERBEROS)``."""
        if self._path:
            self._append(lambda: _line(caller, path, "open", allowed=allowed))

    def closed(self, caller: str, path: str, hit: int, missed: int) -> None:
        """``hit`` and ``missed`` in bytes."""
        self._append(lambda: f"{_line(caller, path, 'close', allowed=True)}\thit={hit}\tmiss={missed}")

    def watch(self, caller: str, path: str) -> Usage:
        """For a file that is read through the cache."""
        return _Watched(self, caller, path) if self._path else UNWATCHED

    def _append(self, line: Callable[[], str]) -> None:
        try:
            content = f"{line()}\n".encode("utf-8", "backslashreplace")
            fd = self._open()
            try:
                if os.write(fd, content) != len(content):
                    raise OSError(errno.ENOSPC, "a line was cut short", self._path)
            finally:
                os.close(fd)
        except Exception as error:  # whatever it is, the file was opened
            self._stats.add("audit_faults")
            if not self._warned:
                self._warned = True
                logger.warning("option audit: %s: %s; reads go on, without a line", self._path, error)

    def _open(self) -> int:
        try:
            fd = os.open(self._path, _APPEND)
        except FileNotFoundError:
            write_once(self._path, b"", self._mode)
            fd = os.open(self._path, _APPEND)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(errno.EINVAL, "not a file", self._path)
        return fd


def _line(caller: str, path: str, command: str, *, allowed: bool) -> str:
    now = datetime.now()  # local time, as in Hadoop's logs
    fields = (
        f"allowed={str(allowed).lower()}",
        f"ugi={_escaped(caller)}",
        f"ip=/{_address()}",
        f"cmd={command}",
        f"src={_escaped(path)}",
        "dst=null",
        "perm=null",
        "proto=hybridfs",
    )
    return f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03d} INFO hybridfs.audit: " + "\t".join(fields)


def _escaped(name: str) -> str:
    """So that no name forges a field or a line."""
    return "".join(_ESCAPES.get(c) or (f"\\u{ord(c):04x}" if _is_control(c) else c) for c in name)


def _is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character < "\xa0" or character in _SEPARATORS


@lru_cache(maxsize=1)
def _address() -> str:
    try:
        return socket.gethostbyname(socket.gethostname())
    except (OSError, UnicodeError):  # of a host name that is too long for IDNA
        return "127.0.0.1"

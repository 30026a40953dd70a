"""A sum of bytes over all processes of a host, without a lock (FORMAT.md section 7)."""

from __future__ import annotations

import contextlib
import os
import random
import threading

from hybridfs.publishing import make_directories, write_once
from hybridfs.root import Modes

UNIT = 1 << 20
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe must not hang who adds


class SharedSum:
    """A file that grows by one byte for each MiB that is added; its size is the sum. Thread-safe.

    A process starts with a random remainder, so that the sum is right on average although each ends with a part of a
    MiB that nobody counts. Methods raise OSError.
    """

    def __init__(self, path: str, modes: Modes) -> None:
        self._path = path
        self._modes = modes
        self._lock = threading.Lock()
        self._remainder = random.Random().randrange(UNIT)  # the caller's seed is the caller's

    def add(self, size: int) -> float | None:
        """Adds ``size`` bytes. When that passed a whole MiB: the time by the file system's clock, else None."""
        with self._lock:
            units, self._remainder = divmod(self._remainder + size, UNIT)
        return self._append(units) if units else None

    def _append(self, units: int) -> float:
        try:
            fd = os.open(self._path, _APPEND)
        except FileNotFoundError:
            parent = os.path.dirname(self._path)
            make_directories(parent, os.path.dirname(parent), self._modes.directory)
            write_once(self._path, b"", self._modes.file)
            fd = os.open(self._path, _APPEND)
        try:
            os.write(fd, b"." * units)
            return os.fstat(fd).st_mtime
        finally:
            os.close(fd)

    def total(self) -> int:
        """Bytes, in whole MiB."""
        try:
            return os.stat(self._path).st_size * UNIT
        except FileNotFoundError:
            return 0

    def touched(self) -> float:
        """When something was last added, by the file system's clock; 0 if nothing ever was."""
        try:
            return os.stat(self._path).st_mtime
        except FileNotFoundError:
            return 0.0

    def subtract(self, size: int) -> None:
        """Takes ``size`` bytes, a ``total()`` of before, off the sum; what was added since then stays."""
        if size:
            with contextlib.suppress(FileNotFoundError):  # somebody removed it
                os.truncate(self._path, max(0, self.total() - size) // UNIT)

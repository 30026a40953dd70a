"""One-byte locks on the lock file, between the threads of a process and between processes (FORMAT.md section 6).

Open-file-description locks, because a JVM's ``FileChannel.tryLock`` excludes those (it does not exclude ``flock``) and
because closing another descriptor of the file does not drop them. They save work; nothing relies on them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import threading
from collections.abc import Iterator

from hybridfs.publishing import write_once

EVICTOR = 0
_OPEN = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
_FLOCK = "hhqqi4x"  # struct flock of Linux


class ThreadLocks:
    """Non-blocking exclusive locks on numbers, between the threads of this process."""

    def __init__(self) -> None:
        self._held: set[int] = set()
        self._released = threading.Condition()

    def claim(self, offset: int) -> bool:
        """Takes the lock; False if a thread or a process has it."""
        with self._released:
            if offset in self._held or not self._lock_record(offset):
                return False
            self._held.add(offset)
            return True

    def release(self, offset: int) -> None:
        with self._released:
            self._held.discard(offset)
            self._unlock_record(offset)
            self._released.notify_all()

    def wait(self, seconds: float) -> None:
        """Returns when a lock of this process was released, at the latest after ``seconds``."""
        with self._released:
            self._released.wait(seconds)

    @contextlib.contextmanager
    def holding(self, offset: int) -> Iterator[bool]:
        """Holds the lock if it is free; gives whether it was."""
        got = self.claim(offset)
        try:
            yield got
        finally:
            if got:
                self.release(offset)

    def close(self) -> None:
        """Frees what the locks need."""

    def _lock_record(self, offset: int) -> bool:
        return True

    def _unlock_record(self, offset: int) -> None:
        return


class LockFile(ThreadLocks):
    """Locks on single bytes of one file, which is made if missing: between threads and processes."""

    def __init__(self, path: str, mode: int) -> None:
        super().__init__()
        try:
            self._fd = os.open(path, _OPEN)
        except FileNotFoundError:
            write_once(path, b"", mode)  # with its mode from the first: another user may open it at once
            self._fd = os.open(path, _OPEN)

    def close(self) -> None:
        """Closes the descriptor. In a child after a fork the locks stay its parent's."""
        os.close(self._fd)

    def _lock_record(self, offset: int) -> bool:
        return self._record(fcntl.F_WRLCK, offset)

    def _unlock_record(self, offset: int) -> None:
        self._record(fcntl.F_UNLCK, offset)

    def _record(self, kind: int, offset: int) -> bool:
        try:
            fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, kind, os.SEEK_SET, offset, 1, 0))
        except (BlockingIOError, PermissionError):
            return False
        except OSError:  # a file system without locks: the work may be done twice, no more
            return True
        return True

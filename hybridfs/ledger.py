"""How full a tier is, known to all processes without a scan and without a lock (FORMAT.md section 7)."""

from __future__ import annotations

import os
import threading

from hybridfs.publishing import write_aside

UNIT = 1 << 20


class Ledger:
    """Bytes on disk of one tier: what the last scan found, and what all processes have published since."""

    def __init__(self, directory: str, file_mode: int) -> None:
        self._usage = os.path.join(directory, "usage")
        self._published = os.path.join(directory, "published")
        self._mode = file_mode
        self._lock = threading.Lock()
        self._remainder = 0
        self._scanned: tuple[tuple[int, int] | None, int] = (None, 0)

    def add(self, size: int) -> bool:
        """Counts ``size`` published bytes; True when a whole unit was passed and the budget deserves a look."""
        with self._lock:
            units, self._remainder = divmod(self._remainder + size, UNIT)
        if units:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            fd = os.open(self._published, flags, self._mode)
            try:
                if os.fstat(fd).st_size == 0 and os.fstat(fd).st_uid == os.geteuid():
                    os.fchmod(fd, self._mode)
                os.write(fd, b"." * units)
            finally:
                os.close(fd)
        return units > 0

    def used(self) -> int:
        """Bytes, within one unit a process."""
        return self._last_scan() + self.published()

    def published(self) -> int:
        """Bytes published since the last scan."""
        try:
            return os.stat(self._published).st_size * UNIT
        except FileNotFoundError:
            return 0

    def reset(self, used: int, published: int) -> None:
        """Records what a scan found; ``published`` is from before the scan (the evictor's lock is held).

        What was published since then stays counted: the scan may have missed it.
        """
        write_aside(self._usage, f"bytes={used}\n".encode(), self._mode)
        if published:
            os.truncate(self._published, max(0, self.published() - published) // UNIT)

    def _last_scan(self) -> int:
        try:
            stat = os.stat(self._usage)
            stamp = (stat.st_ino, stat.st_mtime_ns)
            if self._scanned[0] != stamp:
                with open(self._usage, "rb") as file:
                    self._scanned = (stamp, int(file.read().strip().removeprefix(b"bytes=")))
            return self._scanned[1]
        except (FileNotFoundError, ValueError):
            return 0

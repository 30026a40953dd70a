"""How full a tier is, known to all processes without a scan and without a lock (FORMAT.md section 7)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from hybridfs.publishing import read_whole, write_aside, write_once
from hybridfs.root import Modes
from hybridfs.shared_sum import UNIT, SharedSum

__all__ = ["UNIT", "Ledger", "Usage"]

_USAGE = re.compile(rb"bytes=(\d{1,19})\nblocks=(\d{1,19})\nunlinked=(\d{1,19})\n")


@dataclass(frozen=True)
class Usage:
    """What the last count of a tier found, and what evictors did since."""

    size: int  # bytes on disk, less what was unlinked since
    blocks: int  # found by the count
    unlinked: int  # blocks since the count

    @property
    def encoded(self) -> bytes:
        return f"bytes={self.size}\nblocks={self.blocks}\nunlinked={self.unlinked}\n".encode()


class Ledger:
    """Bytes on disk of one tier: what the last count found, and what all processes have published since."""

    def __init__(self, directory: str, modes: Modes) -> None:
        self._path = os.path.join(directory, "usage")
        self._mode = modes.file
        self._read: tuple[tuple[int, int] | None, Usage | None] = (None, None)
        self.published = SharedSum(os.path.join(directory, "published"), modes)

    def begin(self) -> None:
        """Of a new, empty tier."""
        write_once(self._path, Usage(0, 0, 0).encoded, self._mode)

    def used(self) -> int:
        """Bytes, within one MiB a process; too few if ``usage()`` is None."""
        usage = self.usage()
        return (usage.size if usage else 0) + self.published.total()

    def usage(self) -> Usage | None:
        """None if nobody has counted yet, or it is garbled."""
        try:
            stat = os.stat(self._path)
            stamp = (stat.st_ino, stat.st_mtime_ns)
            if self._read[0] != stamp:
                self._read = (stamp, self.read())
            return self._read[1]
        except FileNotFoundError:
            return None

    def read(self) -> Usage | None:
        """The same without a memory that may, by a few milliseconds, be old."""
        try:
            match = _USAGE.fullmatch(read_whole(self._path))
        except FileNotFoundError:
            return None
        return Usage(*map(int, match.groups())) if match else None

    def reset(self, usage: Usage, published: int) -> None:
        """Records a count or an eviction that began when ``published`` bytes were; the evictor's lock is held.

        What was published since then stays counted: a count may have missed it.
        """
        write_aside(self._path, usage.encoded, self._mode)
        self.published.subtract(published)

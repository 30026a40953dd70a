"""How far the mutations of each file are: numbers in shared memory that workers of both languages read and set.

A mutation that makes version n of a file sets ``started`` to n before it begins and ``finished`` to n when it is
done. A reader that looks at ``finished`` before it opens and at ``started`` afterwards knows which versions it may see.
"""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np


class Board:
    """The numbers of ``files`` files. Each has at most one writer at a time."""

    def __init__(self, path: Path, files: int) -> None:
        if not path.exists():
            path.write_bytes(bytes(16 * files))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 16 * files)
        self._numbers = np.frombuffer(self._map, dtype="<i8")

    def started(self, file: int) -> int:
        return int(self._numbers[2 * file])

    def finished(self, file: int) -> int:
        return int(self._numbers[2 * file + 1])

    def start(self, file: int, version: int) -> None:
        self._numbers[2 * file] = version

    def finish(self, file: int, version: int) -> None:
        self._numbers[2 * file + 1] = version

"""Files on HDFS that a plain writer overwrites while they are read: their versions are known beforehand."""

from __future__ import annotations

import random
import threading
from pathlib import Path

from hdfs_native import Client

from tests.torture.board import Board
from tests.torture.content import ABSENT, Version
from tests.torture.mutating import Kind, mutate

_MIB = 1 << 20


class DataSet:
    """``files`` files of about 1 MiB each, of which each may become any of ``versions`` versions in turn."""

    def __init__(self, url: str, board: Path, files: int, versions: int) -> None:
        self._client = Client(url)
        self.paths = [f"/data/file-{number}" for number in range(files)]
        self.board = Board(board, files)
        self.versions = [[ABSENT, *(_version(file, n) for n in range(1, versions + 1))] for file in range(files)]
        for file in range(files):
            self.overwrite(file)

    def packed(self) -> dict[str, list[list[int]]]:
        """All versions, as a message to a worker."""
        return {str(file): [one.packed() for one in versions] for file, versions in enumerate(self.versions)}

    @property
    def size(self) -> int:
        """Bytes that there are now."""
        return sum(self.versions[file][self.board.finished(file)].length for file in range(len(self.paths)))

    def overwrite(self, file: int) -> bool:
        """Writes the next version, if there is one, past the cache."""
        number = self.board.finished(file) + 1
        if number == len(self.versions[file]):
            return False
        before, after = self.versions[file][number - 1 : number + 1]
        self.board.start(file, number)
        mutate(Kind.WRITE, self._client, (self.paths[file], ""), before, after, 0)
        self.board.finish(file, number)
        return True


def _version(file: int, number: int) -> Version:
    """Of another length than most others, but for every fourth: of that only the time differs."""
    shorter = (file * 31 + number // 4 * 9_973) % 300_000
    return Version(_MIB + 1 - shorter, ((0, (file << 16) + number),))


class Writer:
    """Overwrites files in a thread until the end of the context; ``written`` of them."""

    def __init__(self, data: DataSet, seed: int, per_second: float) -> None:
        self._data = data
        self._draw = random.Random(seed)
        self._pause = 1 / per_second
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write, name="writer")
        self._failed: Exception | None = None
        self.written = 0

    def _write(self) -> None:
        try:
            while not self._over.wait(self._draw.expovariate(1) * self._pause):
                self.written += self._data.overwrite(self._draw.randrange(len(self._data.paths)))
        except Exception as error:  # told by the thread that waits
            self._failed = error

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._failed:
            raise self._failed

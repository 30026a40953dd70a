"""One sequence of operations in this process, through the cache and through plain HDFS, each checked at once.

`python -m tests.torture.lane` is a worker: it reads a line of JSON with its configuration, then batches, a line each,
and answers each with what it counted and found.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from hdfs_native import Client

import hybridfs
from hybridfs import HybridFileSystem
from hybridfs.file import HybridFile
from tests.python.support import settle_process
from tests.torture.board import Board
from tests.torture.checking import Checker, Sight
from tests.torture.mutating import mutate
from tests.torture.plan import Op, random_read


@dataclass
class Handle:
    """An open stream, and one of plain HDFS on the same file if it is compared with that."""

    sight: Sight
    file: HybridFile
    plain: Any


class Lane:
    """Executes operations; see `tests.torture.plan.Op` for what their numbers mean."""

    def __init__(self, checker: Checker, fs: HybridFileSystem, client: Client, paths: Sequence[str]) -> None:
        self._checker = checker
        self._counts = checker.counts
        self._fs = fs
        self._client = client
        self._paths = paths
        self._handles: dict[int, Handle] = {}
        self._calls: dict[int, Callable[..., None]] = {
            Op.OPEN: self._open,
            Op.READ: self._read,
            Op.PREAD: self._pread,
            Op.SEEK: self._seek,
            Op.RANGES: self._ranges,
            Op.WHOLE: self._whole,
            Op.MUTATE: self._mutate,
        }

    def run(self, operations: Iterable[Sequence[int]]) -> None:
        for code, *arguments in operations:
            self._calls[code](*arguments)

    # ---- streams

    def _open(self, slot: int, file: int, paired: int) -> None:
        before = self._handles.pop(slot, None)
        if before:
            before.file.close()
        sight = self._checker.begin(file)
        self._counts["opens"] += 1
        try:
            opened = self._fs.open(self._paths[file])
        except OSError as error:
            self._checker.failed_to_open(sight, error)
            return
        self._checker.opened(sight, opened.size)
        if not sight.candidates:
            return
        self._handles[slot] = Handle(sight, opened, self._plain(file) if paired else None)

    def _plain(self, file: int) -> Any:
        try:
            return self._client.read(self._paths[file])
        except (OSError, RuntimeError):
            return None  # changed meanwhile

    def _read(self, slot: int, file: int, size: int) -> None:
        handle = self._handle(slot, file)
        if handle and handle.file.size:
            if handle.file.tell() >= handle.file.size:
                handle.file.seek(0)
            at = handle.file.tell()
            self._checked(slot, handle, at, min(size, handle.file.size - at), lambda: handle.file.read(size))

    def _pread(self, slot: int, file: int, place: int, size: int) -> None:
        handle = self._handle(slot, file)
        if handle and handle.file.size:
            at = place % handle.file.size
            size = min(size, handle.file.size - at)
            self._checked(slot, handle, at, size, lambda: handle.file.pread(at, size))

    def _seek(self, slot: int, file: int, place: int) -> None:
        handle = self._handle(slot, file)
        if handle:
            self._counts["seeks"] += 1
            handle.file.seek(place % (handle.file.size + 1))

    def _handle(self, slot: int, file: int) -> Handle | None:
        if slot not in self._handles:
            self._open(slot, file, 0)
        return self._handles.get(slot)

    def _checked(self, slot: int, handle: Handle, offset: int, size: int, read: Callable[[], bytes]) -> None:
        self._counts["reads"] += 1
        try:
            data = read()
        except OSError as error:
            self._checker.failed_to_read(handle.sight, error)
            del self._handles[slot]
            return
        if len(data) != size:
            data = data[:size] + b"short"  # which no version holds
        if not self._checker.read(handle.sight, offset, data):
            del self._handles[slot]
        elif handle.plain and offset + size <= len(handle.plain):
            try:
                plain = handle.plain.read_range(offset, size)
            except (OSError, RuntimeError):
                return  # changed meanwhile
            self._checker.differs_from_plain(handle.sight, offset, data, plain)

    # ---- reads by path

    def _ranges(self, slot: int, file: int, other: int, *places_and_sizes: int) -> None:
        """Ranges of two files at once."""
        files = [file if number % 3 else other for number in range(len(places_and_sizes) // 2)]
        sights = {one: self._checker.begin(one) for one in files}
        places = [place % max(1, self._length(one)) for one, place in zip(files, places_and_sizes[::2], strict=True)]
        sizes = places_and_sizes[1::2]
        ends = [place + size for place, size in zip(places, sizes, strict=True)]
        found = self._fs.cat_ranges([self._paths[one] for one in files], places, ends)
        self._counts["range reads"] += len(files)
        self._counts["opens"] += len(sights)
        for one, at, size, data in zip(files, places, sizes, found, strict=True):
            self._check_range(sights[one], at, size, data)

    def _length(self, file: int) -> int:
        return self._checker.version(file, self._checker.board.finished(file)).length

    def _check_range(self, sight: Sight, at: int, size: int, data: bytes | OSError) -> None:
        if isinstance(data, FileNotFoundError):
            self._checker.failed_to_open(sight, data)
        elif isinstance(data, OSError):
            sight.candidates = sight.candidates or [sight.low]
            self._checker.failed_to_read(sight, data)
        elif isinstance(data, Exception):
            raise data
        else:
            short = 0 < len(data) < size  # then the file ends there, else its size is not told
            if not sight.candidates:
                self._checker.opened(sight, at + len(data) if short else -1)
            if data and sight.candidates:
                self._checker.read(sight, at, data)

    def _whole(self, slot: int, file: int) -> None:
        sight = self._checker.begin(file)
        self._counts["opens"] += 1
        self._counts["reads"] += 1
        try:
            data = self._fs.cat_file(self._paths[file])
        except FileNotFoundError as error:
            self._checker.failed_to_open(sight, error)
        except OSError as error:
            sight.candidates = [sight.low]
            self._checker.failed_to_read(sight, error)
        else:
            self._checker.opened(sight, len(data))
            if sight.candidates:
                self._checker.read(sight, 0, data)

    # ---- mutations

    def _mutate(self, kind: int, through: int, file: int, number: int, *more: int) -> None:
        other, other_number, mtime = more
        self._counts["mutations"] += 1
        board, touched = self._checker.board, [(file, number)] + ([(other, other_number)] if other >= 0 else [])
        for one, version in touched:
            board.start(one, version)
        before = self._checker.version(file, number - 1)
        version = self._checker.version(file, number)
        paths = self._paths[file], self._paths[other] if other >= 0 else ""
        mutate(kind, self._fs if through else self._client, paths, before, version, mtime)
        for one, version_number in touched:
            board.finish(one, version_number)

    def close(self) -> None:
        for handle in self._handles.values():
            handle.file.close()


def connect(config: dict[str, Any]) -> tuple[HybridFileSystem, Client]:
    """The file system with the cache, and plain HDFS."""
    host, port = config["url"].removeprefix("hdfs://").split(":")
    return HybridFileSystem(host, int(port), **config["options"]), Client(config["url"])


def main() -> None:
    config = json.loads(sys.stdin.readline())
    board = Board(Path(config["board"]), len(config["paths"]))
    checker = Checker(board, len(config["paths"]))
    checker.learn(config.get("versions", {}))
    lane = Lane(checker, *connect(config), config["paths"])
    for line in sys.stdin:
        batch = json.loads(line)
        checker.learn(batch.get("versions", {}))
        lane.run(_random_reads(batch["random"], len(config["paths"])) if "random" in batch else batch["lanes"][0])
        if batch.get("settle"):
            settle_process(config["options"]["cache_dir"])
        print(json.dumps(_answer(checker)), flush=True)
    lane.close()


def _random_reads(order: dict[str, Any], files: int) -> Iterator[list[int]]:
    """Reads by a seed until so many seconds are over: each time another number of them."""
    draw = random.Random(order["seed"])
    until = time.monotonic() + order["seconds"]
    while time.monotonic() < until:
        yield random_read(draw, range(files))


def _answer(checker: Checker) -> dict[str, Any]:
    process = psutil.Process()
    found = {"counts": dict(checker.counts), "errors": dict(checker.errors), "violations": list(checker.violations)}
    for told in (checker.counts, checker.errors, checker.violations):
        told.clear()
    resources = {"descriptors": process.num_fds(), "memory": process.memory_info().rss}
    return {**found, **resources, "pid": process.pid, "stats": hybridfs.stats()}


if __name__ == "__main__":
    main()

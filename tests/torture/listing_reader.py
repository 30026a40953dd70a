"""Lists a tree through the cache in all of Python's ways until its input ends, and writes down what it was told.

``python -m tests.torture.listing_reader CONFIG``, a JSON of url, root, log, seed and options. At the end it tells its
counters. The lines are those of ListingReader.java.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TextIO
from zlib import crc32

import hybridfs
from hybridfs import HybridFileSystem
from tests.torture.listing_history import DIRECTORY, FILE

_PAUSE = (0.01, 0.07)  # seconds


class Reader:
    """One of a few ways at a time, on one thread."""

    def __init__(self, fs: HybridFileSystem, root: str, log: TextIO, seed: int) -> None:
        self._fs = fs
        self._root = root
        self._log = log
        self._draw = random.Random(seed)

    def one(self) -> None:
        way: Callable[[], None] = self._draw.choice([self._backwards, self._sweep, self._find, self._walk, self._glob])
        way()
        time.sleep(self._draw.uniform(*_PAUSE))

    # ---- requests

    def _backwards(self) -> None:
        parts = self._list(f"{self._root}/flat") or []
        names = sorted((one["name"] for one in parts), reverse=True)
        for path in names[self._draw.randrange(12) :: max(1, len(names) // 12)]:
            children = self._list(path) or []
            if children:
                child = self._draw.choice(children)
                self._status(child["name"])
                self._read(child)

    def _sweep(self) -> None:
        parts = self._list(f"{self._root}/flat") or []
        for one in parts[:60]:
            self._list(one["name"])

    def _find(self) -> None:
        path = f"{self._root}/{self._draw.choice(['flat', 'deep'])}"
        asked = time.monotonic_ns()
        found = self._told("files", "find", path, lambda: list(self._fs.find(path, detail=True).values()))
        for one in self._draw.sample(found or [], min(3, len(found or []))):
            self._read(one, asked)

    def _walk(self) -> None:
        path = f"{self._root}/{self._draw.choice(['flat', 'deep'])}"

        def all_below() -> list[dict[str, Any]]:
            return [
                one
                for _, directories, files in self._fs.walk(path, detail=True)
                for one in (*directories.values(), *files.values())
            ]

        self._told("tree", "walk", path, all_below)

    def _glob(self) -> None:
        path, pattern = self._draw.choice([("flat", "p=*/f*"), ("deep", "*/b=*/*")])
        path = f"{self._root}/{path}"
        self._told("files", "glob", path, lambda: list(self._fs.glob(f"{path}/{pattern}", detail=True).values()))

    def _list(self, path: str) -> list[dict[str, Any]] | None:
        return self._told("list", "ls", path, lambda: self._fs.ls(path, detail=True))

    def _status(self, path: str) -> None:
        self._told("status", "info", path, lambda: [self._fs.info(path)])

    def _read(self, listed: dict[str, Any], asked: int = 0) -> None:
        if listed["type"] != "file":
            return
        begin = time.monotonic_ns()
        try:
            found = str(crc32(self._fs.cat_file(listed["name"])))
        except OSError as error:
            found = _told_error(error)
        self._write(begin, "read", "cat_file", listed["name"], f"{asked or begin}\t0\t0\t0\t{found}")

    # ---- what is written down

    def _told(
        self, what: str, way: str, path: str, ask: Callable[[], list[dict[str, Any]]]
    ) -> list[dict[str, Any]] | None:
        begin = time.monotonic_ns()
        try:
            found = ask()
        except OSError as error:
            self._write(begin, "failed", way, path, _told_error(error))
            return None
        above = path.rpartition("/")[0] if what == "status" else path
        self._write(begin, what, way, path, _packed(above, found))
        return found

    def _write(self, begin: int, what: str, way: str, path: str, told: str) -> None:
        self._log.write(f"{what}\t{begin}\t{time.monotonic_ns()}\t{way}\t{path}\t{told}\n")
        self._log.flush()


def _packed(above: str, infos: Iterable[dict[str, Any]]) -> str:
    return "|".join(
        f"{info['name'][len(above) + 1 :]},{DIRECTORY if info['type'] == 'directory' else FILE},{info['size'] or 0},"
        f"{round(info['mtime'] * 1000)},{info['permission']},0"
        for info in infos
    )


def _told_error(error: OSError) -> str:
    kind = "FileNotFound" if isinstance(error, FileNotFoundError) else type(error).__name__
    return " ".join(f"{kind} {error}".split())


def main() -> int:
    config = json.loads(sys.argv[1])
    fs = HybridFileSystem(**config["options"], skip_instance_cache=True)
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), ended.set()), daemon=True).start()
    with open(config["log"], "w") as log:
        reader = Reader(fs, config["root"], log, config["seed"])
        while not ended.is_set():
            reader.one()
    print(json.dumps(hybridfs.stats()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A Python process that reads files through the cache, compares every byte, and does as it is told by lines.

A command is words with tabs between them, an answer one line of JSON; `FaultReader.java` knows the same ones:

| command | does | answers |
|---|---|---|
| file PATH COPY | takes the local file COPY for what PATH holds | {} |
| forget | knows no file any more | {} |
| read PATH | opens the file and reads it whole | read, wrong (bytes), error, seconds |
| go THREADS SEED | starts threads that read at random, in many ways | {} |
| stop | ends them | reads, bytes, wrong, errors (by class), example, slowest (seconds), stuck (threads) |
| settle | waits until everything is published | {} |
| later | lets the time that a tier is set aside for pass | {} |
| stats | | the counters |
| census DIRECTORY | | descriptors and maps below it, descriptors and threads in all |
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import stamina  # noqa: F401  # what is imported late could not be, by a user who may not read where it lies

import hybridfs
import hybridfs.origin.generic
import hybridfs.origin.hdfs
from hybridfs import HybridFileSystem
from tests.python.support import settle_process

_PIECE = 100_000
_STUCK_SECONDS = 60.0
_skipped = 0.0
_monotonic = time.monotonic


def _later() -> float:
    return _monotonic() + _skipped


class Load:
    """Threads that read at random until they are told to stop."""

    def __init__(self, reader: Reader, threads: int, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.example: str | None = None
        self.slowest = 0.0
        self._reader = reader
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(seed + n,), daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self, seed: int) -> None:
        rng = random.Random(seed)
        while not self._ending.is_set():
            path = rng.choice(list(self._reader.files))
            begun = time.perf_counter()
            try:
                found = self._reader.read_some(path, rng)
                with self._lock:
                    self.counts.update(found)
            except Exception as error:
                with self._lock:
                    self.errors[type(error).__name__] += 1
                    self.example = self.example or str(error)[:300]
                time.sleep(0.01)
            with self._lock:
                self.slowest = max(self.slowest, time.perf_counter() - begun)

    def stop(self) -> dict[str, Any]:
        self._ending.set()
        deadline = time.perf_counter() + _STUCK_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.perf_counter()))
        counts = {name: self.counts[name] for name in ("reads", "bytes", "wrong")}
        rest = {"errors": dict(self.errors), "example": self.example, "slowest": round(self.slowest, 2)}
        return counts | rest | {"stuck": sum(thread.is_alive() for thread in self._threads)}


class Reader:
    """The files that it knows, and the ways to read them."""

    def __init__(self, host: str, port: int, options: dict[str, Any]) -> None:
        self._fs = HybridFileSystem(host, port, skip_instance_cache=True, **options)
        self._load: Load | None = None
        self.files: dict[str, bytes] = {}

    def do(self, command: str, *words: str) -> dict[str, Any]:
        done: dict[str, Any] | None = getattr(self, f"_{command}")(*words)
        return done or {}

    def _file(self, path: str, copy: str) -> None:
        self.files[path] = Path(copy).read_bytes()

    def _forget(self) -> None:
        self.files = {}

    def _read(self, path: str) -> dict[str, Any]:
        begun, found, error = time.perf_counter(), b"", None
        try:
            with self._fs.open(path) as file:
                found = b"".join(iter(lambda: file.read(_PIECE), b""))
            wrong = _differing(found, self.files[path])
        except Exception as raised:
            error, wrong = f"{type(raised).__name__}: {raised}"[:400], 0
        return {"read": len(found), "wrong": wrong, "error": error, "seconds": time.perf_counter() - begun}

    def read_some(self, path: str, rng: random.Random) -> dict[str, int]:
        """Some reads of an opened file; counts of what was read and of what was wrong."""
        expected, counts = self.files[path], Counter[str]()
        with self._fs.open(path) as file:
            for _ in range(rng.randint(1, 8)):
                start = rng.randrange(len(expected))
                size = rng.choice([rng.randint(1, 5000), rng.randint(1, 300_000)])
                found = rng.choice(_WAYS)(file, start, size)
                counts["reads"] += 1
                counts["bytes"] += len(found)
                counts["wrong"] += _differing(found, expected[start : start + size])
        return counts

    def _go(self, threads: str, seed: str) -> None:
        self._load = Load(self, int(threads), int(seed))

    def _stop(self) -> dict[str, Any]:
        assert self._load is not None
        return self._load.stop()

    def _settle(self) -> None:
        settle_process()

    def _later(self) -> None:
        global _skipped
        _skipped += 31
        time.monotonic = _later

    def _stats(self) -> dict[str, Any]:
        return dict(hybridfs.stats())

    def _limit(self, name: str, value: str) -> None:
        kind = getattr(resource, f"RLIMIT_{name}")
        resource.setrlimit(kind, (int(value), resource.getrlimit(kind)[1]))

    def _size(self) -> dict[str, Any]:
        return {"bytes": int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()}

    def _census(self, directory: str) -> dict[str, Any]:
        targets = [_link(entry) for entry in Path("/proc/self/fd").iterdir()]
        with open("/proc/self/maps") as maps:
            mapped = [line for line in maps if f" {directory}/" in line]
        return {
            "descriptors": len(targets),
            "descriptors_below": sum(target.startswith(directory + "/") for target in targets),
            "maps_below": len(mapped),
            "threads": threading.active_count(),
        }


def _differing(found: bytes, expected: bytes) -> int:
    if found == expected:
        return 0
    return abs(len(found) - len(expected)) + sum(a != b for a, b in zip(found, expected, strict=False))


def _link(entry: Path) -> str:
    try:
        return os.readlink(entry)
    except OSError:
        return ""


def _sequential(file: Any, start: int, size: int) -> bytes:
    file.seek(start)
    pieces, left = [], size
    while left > 0 and (piece := file.read(min(left, 7000))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _buffer(file: Any, start: int, size: int) -> bytes:
    file.seek(start)
    return bytes(file.read_buffer(size))


def _into(file: Any, start: int, size: int) -> bytes:
    file.seek(start)
    target = bytearray(b"\xa5" * size)
    return bytes(target[: file.readinto(target)])


def _at(file: Any, start: int, size: int) -> bytes:
    return bytes(file.pread(start, size))


_WAYS: list[Callable[[Any, int, int], bytes]] = [_sequential, _buffer, _into, _at]


def become(user: int, group: int, groups: list[int]) -> None:
    """The process belongs to another user from now on."""
    os.setgroups(groups)
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def main(arguments: dict[str, Any]) -> None:
    """Serves the commands of the standard input until it ends."""
    if arguments.get("user"):
        become(arguments["user"], arguments["group"], arguments["groups"])
    os.umask(arguments.get("umask", 0o022))
    reader = Reader(arguments["host"], arguments["port"], arguments["options"])
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        try:
            answer = reader.do(*line.rstrip("\n").split("\t"))
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

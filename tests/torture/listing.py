"""Another client changes a tree of HDFS at random while processes of both languages list it through the cache.

`python -m tests.torture.listing --mutations 100000 --seed 1`. No create, delete, rename or overwrite that was done
before a request (a scan, where the listing is part of one) may be missed, no name told that was not there, no
attribute that is older than `freshness`, and no wrong byte read of what was listed. The seed replays what is done, and
not how it falls together in time.

With `--listings bounded --judge validated` it must fail: those readers believe entries that nobody validated.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridfs.config import hadoop_options
from hybridfs.root import SHARED_MEMORY
from spark_ext.bed import Hdfs
from tests.python.support import Child, environment
from tests.torture.jvm import compiled, java_command
from tests.torture.listing_checking import Checker
from tests.torture.listing_history import History
from tests.torture.outcome import Outcome
from tests.torture.workers import CLIENT_CONF

LEAST_REUSED = 0.1  # of all listings, else it has not met what it looks for
_ROOT = "/listing"
_BATCH_SECONDS = 5
_MUTATORS, _JAVA_THREADS = 4, 2
_SOURCES = ("ListingMutator.java", "ListingTree.java", "ListingReader.java")
_SECOND = 1_000_000_000
# Language and freshness in seconds, the last ones the default.
_READERS = (("java", 3), ("python", 3), ("java", 30), ("python", 30))


@dataclass(frozen=True)
class Size:
    """Of the tree: partitions of one level, and how many directories of how many partitions each."""

    flat: int = 600
    deep: int = 20


class Tail:
    """The lines of a file that another process writes."""

    def __init__(self, path: Path) -> None:
        self._file = path.open()
        self._rest = ""

    def lines(self) -> Iterator[str]:
        """Those that are whole and were not given yet."""
        *whole, self._rest = (self._rest + self._file.read()).split("\n")
        yield from whole


class Watched:
    """A reader, and what it was told that could not be judged yet."""

    def __init__(self, name: str, child: Child, log: Path, checker: Checker) -> None:
        self.name = name
        self.child = child
        self.checker = checker
        self._log = log
        self._tail: Tail | None = None
        self._waiting: list[str] = []

    def judge(self, until: int) -> None:
        """All that it was told before ``until``."""
        if self._tail is None and self._log.exists():
            self._tail = Tail(self._log)
        self._waiting.extend(self._tail.lines() if self._tail else ())
        later = []
        for line in self._waiting:
            if int(line.split("\t", 3)[2]) <= until:
                self.checker.check(line)
            else:
                later.append(line)
        self._waiting = later


class Torture:
    """A tree in ``hdfs``, and a root in ``scratch``. ``options``: of the cache."""

    def __init__(self, hdfs: Hdfs, scratch: Path, outcome: Outcome, size: Size, listings: str, judged: str) -> None:
        self._hdfs = hdfs
        self._scratch = scratch
        self._outcome = outcome
        self._size = size
        self._listings = listings
        self._judged = judged
        self._history = History()
        self._classes = compiled(scratch, *_SOURCES)
        self._conf = {**hdfs.client_conf(), **CLIENT_CONF}

    def run(self, mutations: int, per_second: float) -> None:
        with ExitStack() as ending:
            mutator = self._mutator()
            ending.callback(mutator.end)
            assert mutator.hear() == "made", "the mutating client died; see its errors above"
            made = Tail(self._scratch / "mutations")
            self._learn(made)
            self._outcome.say(f"made a tree: {self._history.states} states")
            readers, known = [], time.monotonic_ns()
            for number, (language, freshness) in enumerate(_READERS):
                readers.append(self._reader(number, language, freshness))
                ending.callback(readers[-1].child.end)
            done = 0
            while done < mutations and not self._outcome.violations:
                batch = max(_MUTATORS, min(mutations - done, int(per_second * _BATCH_SECONDS)))
                mutator.tell(f"{batch} {per_second}")
                self._judge(readers, known)  # meanwhile
                number, known = self._mutated(mutator)
                done += number
                self._learn(made)
                self._outcome.say(f"{done:,} mutations, {self._judged_entries(readers):,} entries judged")
            self._end(readers)

    # ---- processes

    def _mutator(self) -> Child:
        size = [_MUTATORS, self._size.flat, self._size.deep]
        where = [self._hdfs.url, _ROOT, self._scratch / "mutations", self._outcome.seed]
        conf = [f"{key}={value}" for key, value in self._conf.items()]
        return Child(java_command(self._classes, "ListingMutator", *map(str, [*where, *size, *conf]), heap="160m"))

    def _mutated(self, mutator: Child) -> tuple[int, int]:
        """How many it has done, and until when all that was done is known."""
        told = mutator.hear().split()
        assert told, "the mutating client died; see its errors above"
        self._outcome.add("mutations", int(told[1]))
        return int(told[1]), int(told[2])

    def _reader(self, number: int, language: str, freshness: int) -> Watched:
        log, seed = self._scratch / f"reader-{number}", self._outcome.seed + number
        options: dict[str, Any] = {"cache_dir": str(self._scratch / "root"), "block_size": "64KiB", "min_free": "0"}
        options |= {"listings": self._listings, "freshness": f"{freshness}s", "disk": "256MiB"}
        if language == "java":
            conf = [f"{key}={value}" for key, value in {**self._conf, **hadoop_options(**options)}.items()]
            arguments = [self._hdfs.url, _ROOT, log, seed, _JAVA_THREADS, *conf]
            child = Child(java_command(self._classes, "ListingReader", *map(str, arguments), heap="192m"))
        else:
            host, port = self._hdfs.authority.split(":")
            options |= {"host": host, "port": int(port)}
            config = {"root": _ROOT, "log": str(log), "seed": seed, "options": options}
            command = [sys.executable, "-m", "tests.torture.listing_reader", json.dumps(config)]
            child = Child(command, environment())
        lasting = freshness * _SECOND
        slack = lasting if self._judged == "bounded" else 0
        name = f"{language}, freshness {freshness} s"
        return Watched(name, child, log, Checker(self._history, lasting, slack))

    def _end(self, readers: list[Watched]) -> None:
        stats = []
        for reader in readers:
            reader.child.tell("")
            told = reader.child.hear()
            assert told, f"the reader ({reader.name}) died; see its errors above"
            stats.append(json.loads(told))
        self._judge(readers, time.monotonic_ns())
        for reader, counted in zip(readers, stats, strict=True):
            for what, number in sorted(reader.checker.counts.items()):
                self._outcome.add(f"{reader.name}: {what}", number)
            for name in sorted(name for name in counted if "listing" in name or name == "statuses_reused"):
                self._outcome.add(f"{reader.name}: counter {name}", counted[name])
        self._outcome.add("listings", sum(one.get("listings", 0) for one in stats))
        self._outcome.add("listings reused", sum(one.get("listings_reused", 0) for one in stats))

    # ---- judging

    def _learn(self, log: Tail) -> None:
        for line in log.lines():
            self._history.add(line)

    def _judge(self, readers: list[Watched], until: int) -> None:
        for reader in readers:
            reader.judge(until)
            for violation in reader.checker.violations:
                self._outcome.check(False, f"{reader.name}: {violation}")
            reader.checker.violations.clear()

    def _judged_entries(self, readers: list[Watched]) -> int:
        return sum(reader.checker.counts["entries judged"] for reader in readers)


def run(outcome: Outcome, mutations: int, per_second: float, size: Size, listings: str, judged: str) -> None:
    """All of it, on an HDFS of its own in memory."""
    with (
        tempfile.TemporaryDirectory(prefix="hybridfs-hdfs-", dir=SHARED_MEMORY) as data,
        tempfile.TemporaryDirectory(prefix="hybridfs-torture-", dir=SHARED_MEMORY) as scratch,
        Hdfs(datanodes=1, scratch=Path(data)) as hdfs,
    ):
        Torture(hdfs, Path(scratch), outcome, size, listings, judged).run(mutations, per_second)
    if listings == "validated":
        reused, all_of_them = outcome.figures["listings reused"], outcome.figures["listings"]
        outcome.check(reused >= LEAST_REUSED * all_of_them, f"only {reused} of {all_of_them} listings were reused")


def main() -> int:
    modes = ("origin", "validated", "bounded")
    parser = argparse.ArgumentParser(prog="python -m tests.torture.listing", description=__doc__)
    parser.add_argument("--mutations", type=int, default=5000)
    parser.add_argument("--per-second", type=float, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flat", type=int, default=Size.flat, help="partitions of one level")
    parser.add_argument("--deep", type=int, default=Size.deep, help="directories of so many partitions")
    parser.add_argument("--listings", choices=modes, default="validated", help="how the readers list")
    parser.add_argument("--judge", choices=modes, help="which promise they are held to; default: theirs")
    given = parser.parse_args()
    outcome = Outcome("listing", given.seed, verbose=True)
    size = Size(given.flat, given.deep)
    run(outcome, given.mutations, given.per_second, size, given.listings, given.judge or given.listings)
    return outcome.tell()


if __name__ == "__main__":
    sys.exit(main())

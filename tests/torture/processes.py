"""Python and JVM processes on one root with a tiny budget that are killed, stopped and given wrong clocks.

`python -m tests.torture.processes --minutes 30 --seed 1`: they read and verify, and so fill and evict, while a plain
writer overwrites what they read. The seed replays what is done, and not how it falls together in time.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybridfs.config import hadoop_options
from hybridfs.root import SHARED_MEMORY
from spark_ext.bed import Hdfs
from tests.python.support import MIB, temporary_files
from tests.torture.clocks import DAY, WallClock, in_another_time
from tests.torture.content import describe
from tests.torture.dataset import DataSet, Writer
from tests.torture.herd import Herd, Member
from tests.torture.plan import Op
from tests.torture.workers import CLIENT_CONF, Worker, answers, compile_java, python_command

BUDGET_SHARE = 0.02  # of the data set
LOCK_TIMEOUT = 5.0
MARGIN = 25.0  # seconds, beyond `LOCK_TIMEOUT`, for a turn of reads on a busy machine
PYTHONS, JVMS = 4, 2
FETCH_STREAMS = 2
BLOCK = 64 << 10
_DISTURB_SECONDS, _SAMPLE_SECONDS = 0.8, 0.1
_MOST_DESCRIPTORS = 1024 + 256  # blocks, also evicted ones, that a process may keep open, and what else it has
_TWO_HOURS = 2 * 3600


@dataclass
class Figures:
    """What was found. Bytes, unless said otherwise."""

    seed: int
    budget: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    cache: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    overwritten: int = 0
    double_fetch: float = 0
    largest: int = 0  # that the tier was
    temporary_before: int = 0  # files that the killed left behind, and three more
    temporary_after: int = 0
    growth: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    @property
    def over_budget(self) -> int:
        return max(0, self.largest - self.budget)

    @property
    def allowed(self) -> int:
        """One batch, and what is in flight: of each process less than a MiB not yet told and a block a stream."""
        batch = max(2 * MIB, self.budget // 20)
        return batch + (PYTHONS + JVMS) * (MIB + FETCH_STREAMS * BLOCK)

    def judge(self) -> None:
        """What else is wrong besides what was found on the way."""
        if self.double_fetch > 1.05:
            self.violations.append(f"fetched {self.double_fetch:.3f} times what had to be fetched once")
        if self.over_budget > self.allowed:
            self.violations.append(f"{self.over_budget:,} over the budget; at most {self.allowed:,} is one batch")
        if self.temporary_after:
            self.violations.append(f"{self.temporary_after} temporary files are left after a clean-up")
        for name, (descriptors, later_descriptors, memory, later_memory) in self.growth.items():
            grown = later_descriptors > 1.25 * descriptors + 128 and later_descriptors > _MOST_DESCRIPTORS
            if grown or later_memory > 1.25 * memory + 64 * MIB:
                self.violations.append(f"{name} grew: {self.growth[name]}")

    def tell(self) -> str:
        lines = [f"seed {self.seed}, budget {self.budget:,}"]
        lines += [f"  {what}: {number:,}" for what, number in sorted(self.counts.items())]
        lines += [f"  {what}: {number:,}" for what, number in self.done.items()]
        lines += [f"  cache, {what}: {number:,}" for what, number in sorted(self.cache.items()) if number]
        lines.append(f"  overwritten meanwhile: {self.overwritten:,}")
        lines.append(f"  fetched in a fill by all: {self.double_fetch:.3f} times what had to be fetched once")
        lines.append(f"  largest tier: {self.largest:,}, over budget {self.over_budget:,} (allowed {self.allowed:,})")
        lines.append(f"  temporary files: {self.temporary_before}, after a clean-up {self.temporary_after}")
        for name, (descriptors, later_descriptors, memory, later_memory) in self.growth.items():
            lines.append(
                f"  {name}: descriptors {descriptors:.0f}, later {later_descriptors:.0f}; "
                f"memory {memory / MIB:.0f} MiB, later {later_memory / MIB:.0f} MiB"
            )
        lines += [f"VIOLATION {text}" for text in self.violations]
        return "\n".join(lines)


class Torture:
    """A data set, and roots in ``scratch``."""

    def __init__(self, hdfs: Hdfs, scratch: Path, seed: int, files: int, minutes: float) -> None:
        self._hdfs = hdfs
        self._scratch = scratch
        self._minutes = minutes
        # Each overwrite takes the next version: enough of them.
        self.data = DataSet(hdfs.url, scratch / "board", files, versions=20 + int(minutes * 60 * 8 / files))
        self._jvm = compile_java("TortureWorker", scratch / "classes")
        self._root = scratch / "root"
        self.figures = Figures(seed, budget=int(BUDGET_SHARE * self.data.size))
        self._draw = random.Random(seed)

    # ---- a fill without eviction and kills

    def fill(self) -> None:
        """All read everything at once, in one order; HDFS says what it served."""
        options = {"cache_dir": str(self._scratch / "filled"), "block_size": BLOCK, "min_free": 0}
        kinds = [False] * PYTHONS + [True] * JVMS
        workers = [Worker(self._command(jvm), self._config(options, jvm)) for jvm in kinds]
        try:
            for worker in workers:
                worker.tell({"lanes": [[]]})
            for _ in answers(workers, 120):
                pass  # all have started
            before = self._hdfs.served()
            for worker in workers:
                worker.tell({"lanes": [[[Op.WHOLE, 0, file] for file in range(len(self.data.paths))]], "settle": 1})
            for found in answers(workers, 300):
                self._take("fill", found)
            self.figures.double_fetch = (self._hdfs.served() - before).bytes / self.data.size
        finally:
            for worker in workers:
                worker.end()

    def _command(self, jvm: bool) -> list[str]:
        return self._jvm if jvm else python_command("tests.torture.lane")

    def _config(self, options: dict[str, Any], jvm: bool) -> dict[str, Any]:
        common = {"url": self._hdfs.url, "board": str(self._scratch / "board"), "paths": self.data.paths}
        conf = {**self._hdfs.client_conf(), **hadoop_options(**options), **CLIENT_CONF}
        own = {"conf": conf, "lanes": 1} if jvm else {"options": {name: str(v) for name, v in options.items()}}
        return {**common, "versions": self.data.packed(), **own}

    # ---- under fire

    @property
    def _options(self) -> dict[str, Any]:
        small = {"fetch_size": "512KiB", "fetch_streams": FETCH_STREAMS, "readahead": "512KiB"}
        limits = {"disk": self.figures.budget, "lock_timeout": f"{LOCK_TIMEOUT}s", "freshness": "2s", "min_free": 0}
        return {"cache_dir": str(self._root), "block_size": BLOCK, **small, **limits}

    def _members(self) -> list[Member]:
        members = []
        for number in range(PYTHONS + JVMS):
            jvm = number >= PYTHONS
            place = number - PYTHONS if jvm else number
            command, clock = self._command(jvm), None
            if place == 1:
                command = in_another_time(command, 3 * DAY)
            elif place in (0, 2):
                clock = WallClock(self._scratch / "wall_clock.so", self._scratch / f"clock-{number}")
            name = f"{'JVM' if jvm else 'Python'} {place}"
            config = self._config(self._options, jvm)
            members.append(Member(name, command, config, clock, precious=place == 0))
        return members

    def run(self) -> None:
        herd = Herd(self._members(), self.figures.seed)
        try:
            for member in herd.members:
                herd.read_on(member)
            with Writer(self.data, self.figures.seed, per_second=4) as writer:
                self._watch(herd, time.monotonic() + 60 * self._minutes)
            self.figures.overwritten = writer.written
        finally:
            herd.end()  # in the midst of it
        self.figures.done = herd.done
        self.figures.growth = {one.name: _growth(one.resources) for one in herd.members if one.precious}

    def _watch(self, herd: Herd, until: float) -> None:
        disturb_at, sample_at = time.monotonic() + 5, 0.0
        while (now := time.monotonic()) < until and not self.figures.violations:
            for member, found in herd.answers(0.05):
                self._take(member.name, found)
                self.figures.cache.update(found["stats"])
                herd.read_on(member)
            if now >= sample_at:
                sample_at = now + _SAMPLE_SECONDS
                self.figures.largest = max(self.figures.largest, _bytes_on_disk(self._root))
            if now >= disturb_at:
                disturb_at = now + self._draw.expovariate(1 / _DISTURB_SECONDS)
                again = herd.disturb()
                if again:
                    herd.read_on(again)
            for member in herd.members:
                if not member.is_stopped() and member.silent_for() > LOCK_TIMEOUT + MARGIN:
                    self.figures.violations.append(f"stuck: {member.name} has made no progress")

    def _take(self, who: str, answer: dict[str, Any]) -> None:
        self.figures.counts.update(answer["counts"])
        for found in answer["violations"]:
            data = base64.b64decode(found.pop("data", ""))
            told = f" ({describe(self.data.versions[found['file']], found['offset'], data)})" if data else ""
            self.figures.violations.append(f"{who}: {json.dumps(found)}{told}")

    # ---- afterwards

    def clean_up(self) -> None:
        """What the killed left is made old; then whoever publishes next removes it."""
        for number in range(3):  # and what they would have left, had they died there
            (self._root / "v1" / "tmp" / f"{number}-0123456789abcdef").write_bytes(bytes(BLOCK // 2))
        self.figures.temporary_before = len(temporary_files(self._root))
        old = time.time() - _TWO_HOURS
        for path in [*temporary_files(self._root), self._root / "upkeep"]:
            if path.exists():
                os.utime(path, (old, old))
        worker = Worker(self._command(False), self._config(self._options, jvm=False))
        try:
            worker.tell({"lanes": [[[Op.WHOLE, 0, file] for file in range(len(self.data.paths))]], "settle": 1})
            for found in answers([worker], 120):
                self._take("clean-up", found)
        finally:
            worker.end()
        self.figures.temporary_after = len(temporary_files(self._root))


def _growth(resources: list[tuple[int, int]]) -> tuple[float, float, float, float]:
    """Medians of descriptors and of memory in the second and in the last quarter of a life."""
    quarter = max(1, len(resources) // 4)
    early, late = resources[quarter : 2 * quarter] or resources, resources[-quarter:]
    descriptors, memory = ([statistics.median(one[kind] for one in part) for part in (early, late)] for kind in (0, 1))
    return (*descriptors, *memory)


def _bytes_on_disk(root: Path) -> int:
    """Of all blocks. One that goes while it is counted does not count."""
    total = 0
    for directory, _, names in os.walk(root / "v1"):
        for name in names:
            try:
                total += os.stat(os.path.join(directory, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return total


def run(minutes: float, seed: int, files: int) -> Figures:
    """All of it, on an HDFS of its own in memory."""
    with (
        tempfile.TemporaryDirectory(prefix="hybridfs-hdfs-", dir=SHARED_MEMORY) as data,
        tempfile.TemporaryDirectory(prefix="hybridfs-torture-", dir=SHARED_MEMORY) as scratch,
        Hdfs(datanodes=1, scratch=Path(data)) as hdfs,
    ):
        torture = Torture(hdfs, Path(scratch), seed, files, minutes)
        torture.fill()
        torture.run()
        torture.clean_up()
    torture.figures.judge()
    return torture.figures


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=0.5)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--files", type=int, default=128, help="of 1 MiB")
    given = arguments.parse_args()
    figures = run(given.minutes, given.seed, given.files)
    print(figures.tell())
    return 1 if figures.violations else 0


if __name__ == "__main__":
    sys.exit(main())

"""Random reads and mutations on a real HDFS, by Python and JVM readers on one small cache, against plain HDFS.

`python -m tests.torture.differential --operations 1000000 --seed 1`. Every open, read call, seek, range of a range
read and mutation through or past the cache counts as one operation; reads of plain HDFS to compare with do not. The
seed replays the plan of operations, and not which of them meet.
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybridfs.config import hadoop_options
from hybridfs.root import SHARED_MEMORY
from spark_ext.bed import Hdfs
from tests.torture.board import Board
from tests.torture.content import describe
from tests.torture.plan import PYTHON_HDFS_BLOCK, Plan
from tests.torture.workers import CLIENT_CONF, Worker, answers, compile_java, python_command

FILES = 24
PYTHONS, JVM_LANES = 2, 2
ROUND = 1500  # operations of a lane that are sent at once
BUDGETS = {"disk": "3MiB", "memory": "2MiB"}  # less than the files have at a time, and much less than all versions
_PATIENCE = 180.0  # seconds for a round
_COUNTED = ("opens", "reads", "seeks", "range reads", "mutations")
_HDFS_CONF = {"dfs.blocksize": PYTHON_HDFS_BLOCK}


@dataclass
class Figures:
    """What all workers counted and found."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    cache: Counter[str] = field(default_factory=Counter)
    avoided: Counter[str] = field(default_factory=Counter)
    seconds: float = 0

    @property
    def operations(self) -> int:
        return sum(self.counts[name] for name in _COUNTED)

    def share(self, *names: str) -> float:
        return sum(self.counts[name] for name in names) / max(1, self.operations)

    def tell(self) -> str:
        lines = [f"seed {self.seed}: {self.operations:,} operations in {self.seconds:.0f} s"]
        lines.append(
            f"  of them reads {self.share('reads', 'range reads'):.1%}, mutations {self.share('mutations'):.1%}"
        )
        lines += [f"  {name}: {number:,}" for name, number in sorted(self.counts.items())]
        lines += [f"  avoided for Python's sake, {name}: {number:,}" for name, number in self.avoided.items()]
        lines += [f"  cache, {name}: {number:,}" for name, number in sorted(self.cache.items()) if number]
        lines += [f"  beside a mutation, {number} times: {text}" for text, number in self.errors.most_common(12)]
        lines += [f"VIOLATION {text}" for text in self.violations]
        return "\n".join(lines)


class Bench:
    """Four lanes, two of them threads of a JVM, on one cache root and the files of one directory."""

    def __init__(self, hdfs: Hdfs, scratch: Path, seed: int) -> None:
        self._plan = Plan(seed, [False] * PYTHONS + [True] * JVM_LANES, FILES)
        self.figures = Figures(seed)
        self._paths = [f"/torture-{seed}-{scratch.name}/file-{number}" for number in range(FILES)]
        self._root = scratch / "root"
        board = scratch / "board"
        self.board = Board(board, FILES)
        options = {"cache_dir": str(self._root), "block_size": "64KiB", "min_free": "0", **BUDGETS}
        common = {"url": hdfs.url, "board": str(board), "paths": self._paths}
        conf = {**hdfs.client_conf(), **hadoop_options(**options), **CLIENT_CONF}
        jvm = compile_java("TortureWorker", scratch / "classes")
        self._stack = ExitStack()
        configs = [(python_command("tests.torture.lane"), {**common, "options": options})] * PYTHONS
        configs.append((jvm, {**common, "conf": conf, "lanes": JVM_LANES}))
        self._workers = [self._started(*one) for one in configs]

    def _started(self, command: list[str], config: dict[str, Any]) -> Worker:
        worker = Worker(command, config)
        self._stack.callback(worker.end)
        return worker

    def run(self, operations: int) -> Figures:
        """Rounds until so many operations are done, or something is found."""
        began = time.monotonic()
        told = 0
        while self.figures.operations < operations and not self.figures.violations:
            self._round(min(ROUND, max(100, (operations - self.figures.operations) // 5)))
            if self.figures.operations // 50_000 > told:
                told = self.figures.operations // 50_000
                print(f"{self.figures.operations:,} in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        self.figures.seconds = time.monotonic() - began
        self.figures.avoided = self._plan.avoided
        return self.figures

    def _round(self, operations: int) -> None:
        lanes = self._plan.round(operations)
        versions = self._plan.news()
        shares = [[lane] for lane in lanes[:PYTHONS]] + [lanes[PYTHONS:]]
        for worker, share in zip(self._workers, shares, strict=True):
            worker.tell({"versions": versions, "lanes": share})
        self.figures.cache.clear()
        for answer in answers(self._workers, _PATIENCE):
            self._take(answer)

    def _take(self, answer: dict[str, Any]) -> None:
        self.figures.counts.update(answer["counts"])
        self.figures.errors.update(answer["errors"])
        self.figures.cache.update(
            {name: n for name, n in answer["stats"].items() if isinstance(n, int) and name != "pid"}
        )
        for found in answer["violations"]:
            data = base64.b64decode(found.pop("data", ""))
            versions = self._plan.versions_of(found["file"])
            told = f" ({describe(versions, found['offset'], data)})" if data else ""
            lengths = {n: versions[n].length for n in range(found["low"], min(len(versions), found["now"][1] + 1))}
            self.figures.violations.append(f"{json.dumps(found)}{told} lengths {lengths}")

    def close(self) -> None:
        self._stack.close()
        memory = Path(SHARED_MEMORY, "hybridfs-" + (self._root / "cache-id").read_text().strip())
        shutil.rmtree(memory, ignore_errors=True)


def run(operations: int, seed: int) -> Figures:
    """So many operations, on an HDFS of their own that lies in memory: its edits are synchronous."""
    with (
        tempfile.TemporaryDirectory(prefix="hybridfs-hdfs-", dir=SHARED_MEMORY) as data,
        tempfile.TemporaryDirectory(prefix="hybridfs-differential-", dir=SHARED_MEMORY) as scratch,
        Hdfs(datanodes=1, conf=_HDFS_CONF, scratch=Path(data)) as hdfs,
    ):
        bench = Bench(hdfs, Path(scratch), seed)
        try:
            return bench.run(operations)
        finally:
            bench.close()


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--operations", type=int, default=10_000)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    figures = run(given.operations, given.seed)
    print(figures.tell())
    return 1 if figures.violations else 0


if __name__ == "__main__":
    sys.exit(main())

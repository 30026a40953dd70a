"""What a run cost: seconds, and what the NameNode and the link counted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.listing.bed import Bed, Table
from benchmarks.results import BenchmarkError, Spread
from spark_ext.bed import Crossed
from spark_ext.bed.calls import calls

_PAGE = 1000  # entries in an answer of the NameNode


@dataclass
class Traffic:
    """rpcs: calls that clients made of the NameNode, by method. crossed: bytes at the near end's device."""

    rpcs: dict[str, int] = field(default_factory=dict)
    crossed: Crossed = field(default_factory=lambda: Crossed(0, 0))


@contextmanager
def traffic(bed: Bed) -> Iterator[Traffic]:
    """What happens inside, known afterwards."""
    found = Traffic()
    before = bed.link.crossed()
    with calls(bed.hdfs) as rpcs:
        yield found
    found.rpcs = rpcs
    found.crossed = bed.link.crossed() - before


@dataclass(frozen=True)
class Run:
    """wall, cpu: seconds. found: files or rows. rpcs, received: by `Traffic`. heap: bytes, 0 where it was not asked.

    of: of how many partitions only some were listed, from which the figures are extrapolated; 0: all were.
    """

    wall: float
    cpu: float
    found: int
    rpcs: int
    received: int
    heap: int = 0
    of: int = 0

    @staticmethod
    def made(answer: dict[str, Any], during: Traffic, found: int, heap: int = 0) -> Run:
        """From what `benchmarks.meter.measured` or a Java program has told."""
        return Run(answer["wall"], answer["cpu"], found, sum(during.rpcs.values()), during.crossed.received, heap)


def extrapolated(run: Run, table: Table, first: float, top: int, listed: int) -> Run:
    """As if all partitions had been listed as those `listed` were.

    first: seconds that the listing of the table itself took, which showed `top` directories.
    """
    if listed >= table.partitions:
        return run
    scale = table.partitions / listed
    pages = max(1, math.ceil(top / _PAGE))
    return replace(
        run,
        wall=first + (run.wall - first) * scale,
        cpu=run.cpu * scale,
        found=table.files,
        rpcs=pages + round((run.rpcs - pages) * scale),
        received=round(run.received * scale),
        of=listed,
    )


@dataclass
class Series:
    """The runs of one contender in a workload, that must all find the same."""

    workload: str
    contender: str
    runs: list[Run] = field(default_factory=list)

    def add(self, run: Run, expected: int) -> None:
        """Raises BenchmarkError if the run did not find what is there."""
        if run.found != expected:
            raise BenchmarkError(f"{self.workload}, {self.contender}: found {run.found:,}, there are {expected:,}")
        self.runs.append(run)

    @property
    def wall(self) -> Spread:
        return Spread([run.wall for run in self.runs])

    @property
    def cpu(self) -> Spread:
        return Spread([run.cpu for run in self.runs])

    def most(self, what: str) -> int:
        """The largest of what the runs counted."""
        return max(int(getattr(run, what)) for run in self.runs)

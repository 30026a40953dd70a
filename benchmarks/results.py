"""What was measured, and what is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


class BenchmarkError(RuntimeError):
    """A measurement would compare what cannot be compared; the text says why."""


@dataclass(frozen=True)
class Spread:
    """Seconds of several runs."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        return median(self.values)

    def __str__(self) -> str:
        digits = 3 if self.median < 10 else 1
        if len(self.values) == 1:
            return f"{self.median:.{digits}f}"
        low, high = min(self.values), max(self.values)
        return f"{self.median:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


@dataclass
class Series:
    """The runs of one contender in one pass of a workload.

    amount: what each run read (bytes or rows), the same in all. served: bytes that DataNodes sent in all passes of a
    round, one number a round.
    """

    workload: str
    contender: str
    reading: str
    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    served: list[int] = field(default_factory=list)
    amount: float = 0

    def add(self, wall: float, cpu: float, amount: float, served: int) -> None:
        """One run. Raises BenchmarkError if it read another amount than those before."""
        if self.walls and amount != self.amount:
            raise BenchmarkError(f"{self.workload}, {self.contender}: read {amount:g}, before {self.amount:g}")
        self.amount = amount
        self.walls.append(wall)
        self.cpus.append(cpu)
        self.served.append(served)

    @property
    def wall(self) -> Spread:
        return Spread(self.walls)

    @property
    def cpu(self) -> Spread:
        return Spread(self.cpus)


@dataclass(frozen=True)
class Comparison:
    """A contender beside the baseline of the same workload and pass."""

    series: Series
    baseline: Series

    def __post_init__(self) -> None:
        if self.series.amount != self.baseline.amount:
            read, other = f"{self.series.amount:g}", f"{self.baseline.amount:g}"
            raise BenchmarkError(
                f"{self.series.workload}: {self.series.contender} read {read}, {self.baseline.contender} {other}"
            )

    @property
    def is_baseline(self) -> bool:
        return self.series is self.baseline

    @property
    def cpu_ratio(self) -> float:
        """Baseline ÷ contender: above 1 the contender uses less."""
        return self.baseline.cpu.median / self.series.cpu.median

    @property
    def wall_ratio(self) -> float:
        """Baseline ÷ contender: above 1 the contender is faster."""
        return self.baseline.wall.median / self.series.wall.median

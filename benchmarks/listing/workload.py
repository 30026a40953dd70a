"""Contenders that take turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.listing.bed import Bed, Table
from benchmarks.listing.costs import Run, Series


@dataclass(frozen=True)
class Contender:
    """measure: one run. once: in the first round only, since it takes long."""

    name: str
    measure: Callable[[Bed, Table], Run]
    once: bool = False


def compared(
    title: str, contenders: Sequence[Contender], bed: Bed, table: Table, rounds: int, expected: int
) -> list[Series]:
    """Runs of each contender in the order given, which is that of a round. expected: what each run must find."""
    series = [Series(title, contender.name) for contender in contenders]
    for number in range(rounds):
        for contender, one in zip(contenders, series, strict=True):
            if number == 0 or not contender.once:
                one.add(contender.measure(bed, table), expected)
    return series

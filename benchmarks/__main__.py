"""The command `python -m benchmarks`."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import python_workloads, report, spark_workloads
from benchmarks.bed import MIB, Bed, Sizes, prepared
from benchmarks.choice import chosen
from benchmarks.results import BenchmarkError, Comparison, Series
from benchmarks.rounds import Rounds
from spark_ext.bed import BedError
from spark_ext.demo.workers import WorkerError

_NAMES = tuple(workload.name for workload in (*python_workloads.WORKLOADS, *spark_workloads.WORKLOADS))
_WIDTH = 128  # where there is no terminal
_ROUNDS = Rounds(5, 2, 25)
_QUICK_ROUNDS = Rounds(2, 1, 3)


def main(
    scale: Annotated[float | None, typer.Option(min=0.01, help="TPC-H scale of lineitem; default 0.3.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller files and fewer rounds: a look, no figures.")] = False,
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(_NAMES)}; may be repeated.")] = None,
    json: Annotated[
        typer.FileTextWrite | None, typer.Option(lazy=False, help="Also write every run to this file.")
    ] = None,
) -> None:
    """Compare hybridfs with local files and plain HDFS on this host."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH
    sizes = Sizes(256 * MIB, 64 * MIB, scale or 0.05) if quick else Sizes(1024 * MIB, 256 * MIB, scale or 0.3)
    names = chosen(only, _NAMES)
    comparisons: list[Comparison] = []
    failure = None
    try:
        for compared in _run(names, sizes, _QUICK_ROUNDS if quick else _ROUNDS, console):
            comparisons += compared
    except (BenchmarkError, BedError, WorkerError) as error:
        failure = error
    report.show(comparisons, console)
    if json:
        report.write(comparisons, sizes, json)
    if failure:
        console.print(f"✗ {failure}", style="red", highlight=False, markup=False)
        raise typer.Exit(1)


def _run(names: frozenset[str], sizes: Sizes, rounds: Rounds, console: Console) -> Iterator[list[Comparison]]:
    started = time.monotonic()
    with console.status("Measuring"), prepared(sizes) as bed:
        for series in _series(names, bed, rounds):
            yield _compared(series)
            done = f"{time.monotonic() - started:5.0f} s  {series[0].workload}"
            console.print(done, style="dim", highlight=False)


def _series(names: frozenset[str], bed: Bed, rounds: Rounds) -> Iterator[list[Series]]:
    """The runs of one workload after the other; Spark starts only if it is wanted."""
    in_python = [workload for workload in python_workloads.WORKLOADS if workload.name in names]
    in_spark = [workload for workload in spark_workloads.WORKLOADS if workload.name in names]
    yield from python_workloads.run(in_python, bed, rounds)
    if in_spark:
        yield from spark_workloads.run(in_spark, bed, rounds)


def _compared(series: Sequence[Series]) -> list[Comparison]:
    """Each beside the first of the same pass."""
    baselines: dict[str, Series] = {}
    return [Comparison(one, baselines.setdefault(one.reading, one)) for one in series]


if __name__ == "__main__":
    typer.run(main)

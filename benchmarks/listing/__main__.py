"""The command `python -m benchmarks.listing`."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.choice import chosen
from benchmarks.listing import bed as beds
from benchmarks.listing import jvm_workload, python_workload, report, spark_workload
from benchmarks.listing.bed import Bed, Table
from benchmarks.listing.costs import Series
from benchmarks.listing.workload import compared
from benchmarks.results import BenchmarkError
from spark_ext.bed import BedError
from spark_ext.demo.workers import WorkerError

_NAMES = ("jvm", "python", "spark", "query")
_WIDTH = 140  # where there is no terminal
_PARALLEL = 32


def main(
    partitions: Annotated[int | None, typer.Option(min=4, max=10_000, help="Default 10,000.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="600 partitions and one round: a look, no figures.")] = False,
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(_NAMES)}; may be repeated.")] = None,
    round_trip: Annotated[str, typer.Option(help="Of the link.")] = "50ms",
    rate: Annotated[str, typer.Option(help="Bytes a second, of each direction of the link.")] = "50MB",
    json: Annotated[
        typer.FileTextWrite | None, typer.Option(lazy=False, help="Also write every run to this file.")
    ] = None,
) -> None:
    """Compare listings of a table by plain HDFS and through hybridfs over an emulated long link."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH
    count = partitions or (600 if quick else 10_000)
    series: list[Series] = []
    failure = None
    try:
        for found in _run(chosen(only, _NAMES), count, 1 if quick else 3, (round_trip, rate), console):
            series += found
    except (BenchmarkError, BedError, WorkerError) as error:
        failure = error
    finally:  # also of what was interrupted
        report.show(series, f"Listings of {count:,} partitions over a link of {round_trip} and {rate}/s", console)
        if json:
            report.write(series, {"partitions": count, "round_trip": round_trip, "rate": rate}, json)
    if failure:
        console.print(f"✗ {failure}", style="red", highlight=False, markup=False)
        raise typer.Exit(1)


def _run(
    names: frozenset[str], count: int, rounds: int, shape: tuple[str, str], console: Console
) -> Iterator[list[Series]]:
    started = time.monotonic()
    with console.status("Measuring"), beds.prepared(*shape) as bed:
        for done in _workloads(names, bed, count, rounds):
            yield done
            what = done[0].workload if done else "the tables are made"
            console.print(f"{time.monotonic() - started:5.0f} s  {what}", style="dim", highlight=False)


def _workloads(names: frozenset[str], bed: Bed, count: int, rounds: int) -> Iterator[list[Series]]:
    table = beds.flat(bed, count)
    yield []
    yield from _listings(names, bed, table, rounds)
    if "query" in names:
        spark_workload.register(bed, table)
        contenders, rows = spark_workload.queries()
        yield compared("query: count(*) of one partition, a driver's first", contenders, bed, table, rounds, rows)
    if names & {"jvm", "python", "spark"}:
        yield from _listings(names, bed, beds.nested(bed, table), rounds)


def _listings(names: frozenset[str], bed: Bed, table: Table, rounds: int) -> Iterator[list[Series]]:
    workloads = {
        "jvm": ("calls of Spark's file index", jvm_workload.contenders),
        "python": ("find", python_workload.contenders),
        "spark": ("spark.read.parquet", spark_workload.readers),
    }
    for name, (what, contenders) in workloads.items():
        if name in names:
            title = f"{name}: {what}, {table.title}"
            yield compared(title, contenders(_PARALLEL), bed, table, rounds, table.files)


if __name__ == "__main__":
    typer.run(main)

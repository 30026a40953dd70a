"""The command `python -m benchmarks`."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import python_workloads, report, spark_workloads
from benchmarks.bed import MIB, Sizes, prepared
from benchmarks.results import BenchmarkError, Comparison, Series
from benchmarks.rounds import Rounds
from spark_ext.bed import BedError
from spark_ext.demo.workers import WorkerError

Workload = python_workloads.PythonWorkload | spark_workloads.SparkWorkload
_ALL: tuple[Workload, ...] = (*python_workloads.WORKLOADS, *spark_workloads.WORKLOADS)
_WORKLOADS = {workload.name: workload for workload in _ALL}
_WIDTH = 128  # where there is no terminal
_ROUNDS = Rounds(5, 25)
_QUICK_ROUNDS = Rounds(2, 5)


def main(
    scale: Annotated[float | None, typer.Option(min=0.01, help="TPC-H scale of lineitem; default 0.3.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller files and fewer rounds: a look, no figures.")] = False,
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(_WORKLOADS)}; may be repeated.")] = None,
    json: Annotated[Path | None, typer.Option(help="Also write every run to this file.")] = None,
) -> None:
    """Compare hybridfs with local files and plain HDFS on this host."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH
    sizes = Sizes(256 * MIB, 64 * MIB, scale or 0.05) if quick else Sizes(1024 * MIB, 256 * MIB, scale or 0.3)
    try:
        comparisons = _run(_chosen(only), sizes, _QUICK_ROUNDS if quick else _ROUNDS, console)
    except (BenchmarkError, BedError, WorkerError) as error:
        console.print(f"✗ {error}", style="red", highlight=False, markup=False)
        raise typer.Exit(1) from None
    report.show(comparisons, console)
    if json:
        report.write(comparisons, sizes, json)


def _chosen(names: Sequence[str] | None) -> list[Workload]:
    unknown = set(names or ()) - set(_WORKLOADS)
    if unknown:
        raise typer.BadParameter(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(_WORKLOADS)}")
    return [workload for name, workload in _WORKLOADS.items() if not names or name in names]


def _run(workloads: Sequence[Workload], sizes: Sizes, rounds: Rounds, console: Console) -> list[Comparison]:
    started = time.monotonic()
    comparisons: list[Comparison] = []
    with console.status("Starting HDFS and making files") as status, prepared(sizes) as bed:
        for workload in workloads:
            status.update(workload.title)
            comparisons += _compared(workload.run(bed, rounds))
            console.print(f"[dim]{time.monotonic() - started:5.0f} s[/]  {workload.title}", highlight=False)
    return comparisons


def _compared(series: Sequence[Series]) -> list[Comparison]:
    """Each beside the first of the same pass."""
    baselines: dict[str, Series] = {}
    return [Comparison(one, baselines.setdefault(one.reading, one)) for one in series]


if __name__ == "__main__":
    typer.run(main)

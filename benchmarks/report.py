"""The table, and the same as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, TextIO

from rich.box import SIMPLE
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from benchmarks.bed import Sizes
from benchmarks.results import Comparison

_NOTES = (
    "Seconds: median (lowest–highest) of the runs; CPU is user and system time with children, HDFS's own processes "
    "apart. Ratio: median of the workload's first contender in this pass ÷ this one's; above 1 is less time than that. "
    "Python runs are fresh processes: `first` is the first pass of one, in which hybridfs verifies checksums, `again` "
    "the second; Spark's are in one warm JVM. Sent by HDFS: bytes a run by the DataNodes' own metrics, in all passes. "
    "HDFS is on this host: what it sends would have to cross the link in production."
)
_PACKAGES = ("hybridfs", "fsspec", "hdfs-native", "pandas", "pyarrow", "pyspark")


def show(comparisons: Sequence[Comparison], console: Console) -> None:
    """Prints one table over all workloads."""
    table = Table(title="hybridfs beside local files and plain HDFS", title_justify="left", box=SIMPLE)
    table.add_column("workload, contender", no_wrap=True)
    table.add_column("pass", no_wrap=True)
    for name in ("runs", "CPU s", "wall s", "CPU\nratio", "wall\nratio", "sent by\nHDFS"):
        table.add_column(name, justify="right", no_wrap=True)
    workload = None
    for one in comparisons:
        if one.series.workload != workload:
            workload = one.series.workload
            table.add_section()
            table.add_row(f"[bold]{workload}[/]")
        table.add_row(*_cells(one))
    console.print(table)
    console.print(f"[dim]{_NOTES}[/]", highlight=False)


def _cells(one: Comparison) -> list[str]:
    series = one.series
    ratios = ["", ""] if one.is_baseline else [f"{one.cpu_ratio:.2f}", f"{one.wall_ratio:.2f}"]
    sent = decimal(round(sum(series.served) / len(series.served)))
    runs = str(len(series.walls))
    return [f"  {series.contender}", series.reading, runs, str(series.cpu), str(series.wall), *ratios, sent]


def write(comparisons: Sequence[Comparison], sizes: Sizes, file: TextIO) -> None:
    """Writes every run and the machine as JSON."""
    document = {"machine": machine(), "sizes": vars(sizes), "results": [_entry(one) for one in comparisons]}
    file.write(json.dumps(document, indent=1) + "\n")


def _entry(one: Comparison) -> dict[str, Any]:
    medians = {"cpu_median": one.series.cpu.median, "wall_median": one.series.wall.median}
    ratios = {"baseline": one.baseline.contender, "cpu_ratio": one.cpu_ratio, "wall_ratio": one.wall_ratio}
    return vars(one.series) | medians | ratios


def machine() -> dict[str, Any]:
    """What the figures depend on, but no names."""
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "cpu": _cpu_model(),
        "load": os.getloadavg(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None

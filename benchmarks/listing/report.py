"""The table, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TextIO

from rich.box import SIMPLE
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from benchmarks.listing.costs import Series
from benchmarks.report import machine

_NOTES = (
    "Each run is a new process at the near end; contenders take turns. Seconds: median (lowest–highest), for the Java "
    "program within calls of the file system. CPU: user and system time of the process meanwhile. RPCs: the calls that "
    "the NameNode counted, the most of any run; received: bytes at the near end's device, headers and the metastore's "
    "answers among them. Heap: the most that was used, with what was yet to be collected. Times: the workload's first "
    "contender's seconds ÷ this one's. ≈: extrapolated from as many partitions as are shown. Directories are as old as "
    "ten minutes by `setTimes`. Spark's drivers have run a query without files before. cold: an empty root. warm: a "
    "new process, after one that listed the same."
)


def show(series: Sequence[Series], title: str, console: Console) -> None:
    """Prints one table over all workloads."""
    table = Table(title=title, title_justify="left", box=SIMPLE)
    table.add_column("workload, contender", no_wrap=True)
    for name in ("runs", "seconds", "CPU s", "RPCs", "received", "heap", "times"):
        table.add_column(name, justify="right", no_wrap=True)
    first: dict[str, Series] = {}
    for one in series:
        if one.workload not in first:
            table.add_section()
            table.add_row(f"[bold]{one.workload}[/]")
        table.add_row(*_cells(one, first.setdefault(one.workload, one)))
    console.print(table)
    console.print(f"[dim]{_NOTES}[/]", highlight=False)


def _cells(one: Series, first: Series) -> list[str]:
    of = one.most("of")
    about = "≈ " if of else ""
    times = "" if one is first else f"{first.wall.median / one.wall.median:.1f}"
    return [
        f"  {one.contender}" + (f" [dim]({of} listed)[/]" if of else ""),
        str(len(one.runs)),
        f"{about}{one.wall}",
        f"{about}{one.cpu}",
        f"{about}{one.most('rpcs'):,}",
        f"{about}{decimal(one.most('received'))}",
        decimal(one.most("heap")) if one.most("heap") else "",
        times,
    ]


def write(series: Sequence[Series], shape: dict[str, Any], file: TextIO) -> None:
    """Writes every run, what was listed and the machine as JSON."""
    results = [
        {"workload": one.workload, "contender": one.contender, "runs": [vars(run) for run in one.runs]}
        for one in series
    ]
    file.write(json.dumps({"machine": machine(), "shape": shape, "results": results}, indent=1) + "\n")

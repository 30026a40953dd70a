"""The demo's tables and verdict."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table

from spark_ext.bed import Served
from spark_ext.demo.outcome import Comparison, Outcome, Read

_NOTES = (
    "Plain, cold and warm are new processes each, warmed up alike on a table that no query reads. HDFS is on this "
    "host here, so times show what the cache costs; over a long link the bytes that HDFS need not send are the gain."
)
_TIERS = {"map": "mapped files", "memory": "memory", "disk": "disk"}


def show(outcome: Outcome, console: Console) -> None:
    """Print tables of times, of bytes and of equality, and what is wrong if anything is."""
    console.print(_table("TPC-H queries of Spark", "query", outcome.queries, totals=True))
    console.print(_table("The same bytes, read by the other side", "reader: data", outcome.crossings, totals=False))
    console.print(_tiers(outcome), highlight=False)
    console.print(f"[dim]{_NOTES}[/]\n", highlight=False)
    for failure in outcome.failures():
        console.print(f"[red]✗[/] {failure}", highlight=False)
    if not outcome.failures():
        console.print(
            "[green]✓[/] Results are equal, warm reads took no byte from HDFS (its own count), and the metastore "
            "holds no URI but hdfs://",
            highlight=False,
        )


def _table(title: str, first: str, rows: dict[str, Comparison], totals: bool) -> Table:
    reads: dict[str, list[Read | None]] = {
        "plain": [row.plain for row in rows.values()],
        "cold": [row.cold for row in rows.values()],
        "warm": [row.warm for row in rows.values()],
    }
    table = Table(title=title, title_justify="left", show_footer=totals, box=box.SIMPLE)
    table.add_column(f"\n{first}", footer="all")
    for name, column in reads.items():
        table.add_column(f"s\n{name}", justify="right", no_wrap=True, footer=_seconds(_sum(column)))
    for name, column in reads.items():
        table.add_column(f"HDFS MB\n{name}", justify="right", no_wrap=True, footer=_served(_sum(column)))
    table.add_column("cache MB\nwarm", justify="right", no_wrap=True, footer=_cached(_sum(reads["warm"])))
    table.add_column("\nequal", no_wrap=True)
    for name, row in rows.items():
        each = (row.plain, row.cold, row.warm)
        equal = "[green]yes[/]" if row.equal else "[red]NO[/]"
        table.add_row(name, *map(_seconds, each), *map(_served, each), _cached(row.warm), equal)
    return table


def _sum(reads: Iterable[Read | None]) -> Read:
    total = Read(0, None, Served(0, 0))
    for read in reads:
        if read is not None:
            names = total.counters.keys() | read.counters.keys()
            counters = {name: total.counters.get(name, 0) + read.counters.get(name, 0) for name in names}
            total = Read(total.seconds + read.seconds, None, total.served + read.served, counters)
    return total


def _seconds(read: Read | None) -> str:
    return "" if read is None else f"{read.seconds:.2f}"


def _served(read: Read | None) -> str:
    return "" if read is None else _megabytes(read.served.bytes)


def _cached(read: Read | None) -> str:
    return "" if read is None else _megabytes(read.counters.get("hit_bytes", 0))


def _megabytes(size: int) -> str:
    """`0` is none at all and nothing else."""
    return "0" if size == 0 else f"{max(size / 1e6, 0.01):.2f}"


def _tiers(outcome: Outcome) -> str:
    warm = _sum(comparison.warm for comparison in (outcome.queries | outcome.crossings).values())
    shown = ", ".join(f"{warm.counters.get(f'hit_blocks_{tier}', 0)} in {name}" for tier, name in _TIERS.items())
    return f"Blocks that warm reads found: {shown}; missed: {warm.counters.get('miss_blocks', 0)}."

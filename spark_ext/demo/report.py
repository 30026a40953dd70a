"""The demo's tables and verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from spark_ext.bed import Served
from spark_ext.demo.outcome import Comparison, Outcome, Read

_NOTES = (
    "Plain, cold and warm are new processes each, warmed up alike on a table that no query reads. HDFS is on this "
    "host here, so times show what the cache costs; over a long link the bytes that HDFS need not send are the gain."
)
_UNITS = "(seconds; MB sent by HDFS; MB from the cache)"
_TIERS = {"map": "mapped files", "memory": "memory", "disk": "disk"}


def show(outcome: Outcome, console: Console) -> None:
    """Print tables of times, of bytes and of equality, and what is wrong if anything is."""
    console.print(_query_table(outcome))
    console.print(_crossing_table(outcome))
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


def _query_table(outcome: Outcome) -> Table:
    queries = outcome.queries.values()
    reads = {
        "plain": _sum(query.plain for query in queries),
        "cold": _sum(query.cold for query in queries),
        "warm": _sum(query.warm for query in queries),
    }
    table = _table(f"TPC-H queries of Spark {_UNITS}", "query", reads)
    for name, query in outcome.queries.items():
        _add_row(table, name, query, (query.plain, query.cold, query.warm))
    return table


def _crossing_table(outcome: Outcome) -> Table:
    table = _table(f"Tables that the other side has cached {_UNITS}", "reader: table", {"plain": None, "hybrid": None})
    for name, crossing in outcome.crossings.items():
        _add_row(table, name, crossing, (crossing.plain, crossing.warm or crossing.cold))
    return table


def _table(title: str, first: str, totals: Mapping[str, Read | None]) -> Table:
    """Columns of seconds and of MB from HDFS for each kind of read, and MB from the cache for the last kind."""
    last = list(totals)[-1]
    table = Table(title=title, title_justify="left", box=box.SIMPLE, show_footer=totals[last] is not None)
    table.add_column(f"\n{first}", footer="all", overflow="fold")
    for name, total in totals.items():
        table.add_column(f"s\n{name}", justify="right", no_wrap=True, footer=_seconds(total))
    for name, total in totals.items():
        table.add_column(f"HDFS\n{name}", justify="right", no_wrap=True, footer=_served(total))
    table.add_column(f"cache\n{last}", justify="right", no_wrap=True, footer=_cached(totals[last]))
    table.add_column("\nequal", no_wrap=True)
    return table


def _add_row(table: Table, name: str, comparison: Comparison, reads: Sequence[Read | None]) -> None:
    equal = "[green]yes[/]" if comparison.equal else "[red]NO[/]"
    table.add_row(name, *map(_seconds, reads), *map(_served, reads), _cached(reads[-1]), equal)


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

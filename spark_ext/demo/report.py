"""The demo's tables and verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from spark_ext.bed import Served
from spark_ext.demo.outcome import Comparison, Outcome, Read

_PROCESSES = "Plain, cold and warm are new processes each, warmed up alike on a table that no query reads. "
_LOCAL = (
    "HDFS is on this host here, so times show what the cache costs; over a long link the bytes that HDFS need not "
    "send are the gain. See it with --link 50ms:50MB/s."
)
_LINKED = (
    "HDFS and the metastore are at the far end of an emulated link of {link}; its MB are all that it brought: data, "
    "and what the NameNode and the metastore answered."
)
_UNITS = "(seconds; MB {source}; MB from the cache)"
_TIERS = {"map": "mapped files", "memory": "memory", "disk": "disk"}


def show(outcome: Outcome, console: Console, link: str | None = None) -> None:
    """Print tables of times, of bytes and of equality, and what is wrong if anything is. link: to HDFS, as it says."""
    units = _UNITS.format(source="that crossed the link" if link else "sent by HDFS")
    console.print(_query_table(outcome, units))
    console.print(_crossing_table(outcome, units))
    console.print(_tiers(outcome), highlight=False)
    notes = _PROCESSES + (_LINKED.format(link=link) if link else _LOCAL)
    console.print(f"[dim]{notes}[/]\n", highlight=False)
    for failure in outcome.failures():
        console.print(f"[red]✗[/] {failure}", highlight=False)
    if not outcome.failures():
        console.print(
            "[green]✓[/] Results are equal, warm reads took no byte from HDFS (its own count), and the metastore "
            "holds no URI but hdfs://",
            highlight=False,
        )


def _query_table(outcome: Outcome, units: str) -> Table:
    queries = outcome.queries.values()
    reads = {
        "plain": _sum(query.plain for query in queries),
        "cold": _sum(query.cold for query in queries),
        "warm": _sum(query.warm for query in queries),
    }
    table = _table(f"TPC-H queries of Spark {units}", "query", reads, _source(outcome))
    for name, query in outcome.queries.items():
        _add_row(table, name, query, (query.plain, query.cold, query.warm))
    return table


def _crossing_table(outcome: Outcome, units: str) -> Table:
    reads: dict[str, Read | None] = {"plain": None, "hybrid": None}
    table = _table(f"Tables that the other side has cached {units}", "reader: table", reads, _source(outcome))
    for name, crossing in outcome.crossings.items():
        _add_row(table, name, crossing, (crossing.plain, crossing.warm or crossing.cold))
    return table


def _source(outcome: Outcome) -> str:
    """Whose bytes the tables show."""
    return "HDFS" if all(query.plain.crossed is None for query in outcome.queries.values()) else "link"


def _table(title: str, first: str, totals: Mapping[str, Read | None], source: str) -> Table:
    """Columns of seconds and of MB from the source for each kind of read, and MB from the cache for the last kind."""
    last = list(totals)[-1]
    table = Table(title=title, title_justify="left", box=box.SIMPLE, show_footer=totals[last] is not None)
    table.add_column(f"\n{first}", footer="all", overflow="fold")
    for name, total in totals.items():
        table.add_column(f"s\n{name}", justify="right", no_wrap=True, footer=_seconds(total))
    for name, total in totals.items():
        table.add_column(f"{source}\n{name}", justify="right", no_wrap=True, footer=_served(total))
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
            crossed = None if read.crossed is None else read.crossed + (total.crossed or 0)
            total = Read(total.seconds + read.seconds, None, total.served + read.served, counters, crossed)
    return total


def _seconds(read: Read | None) -> str:
    return "" if read is None else f"{read.seconds:.2f}"


def _served(read: Read | None) -> str:
    return "" if read is None else _megabytes(read.served.bytes if read.crossed is None else read.crossed)


def _cached(read: Read | None) -> str:
    return "" if read is None else _megabytes(read.counters.get("hit_bytes", 0))


def _megabytes(size: int) -> str:
    """`0` is none at all and nothing else."""
    return "0" if size == 0 else f"{max(size / 1e6, 0.01):.2f}"


def _tiers(outcome: Outcome) -> str:
    warm = _sum(comparison.warm for comparison in (outcome.queries | outcome.crossings).values())
    shown = ", ".join(f"{warm.counters.get(f'hit_blocks_{tier}', 0)} in {name}" for tier, name in _TIERS.items())
    return f"Blocks that warm reads found: {shown}; missed: {warm.counters.get('miss_blocks', 0)}."

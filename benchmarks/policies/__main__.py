"""The command `python -m benchmarks.policies`."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from benchmarks.policies import simulation, trace_file
from benchmarks.policies.simulation import Column
from benchmarks.policies.traces import WORKLOADS, Trace, made

_SHARES = (0.1, 0.25, 0.5, 0.8)  # of a recorded trace's blocks fit the cache
_WIDTH = 128  # where there is no terminal

app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def compare(
    context: typer.Context,
    trace: Annotated[Path | None, typer.Option(exists=True, help="A recorded trace in place of the made ones.")] = None,
    capacity: Annotated[int, typer.Option(min=20, help="Blocks that fit the cache (made traces).")] = 1000,
    accesses: Annotated[int, typer.Option(min=1, help="Of each made trace.")] = 200_000,
    fill_limit: Annotated[float, typer.Option(min=0.01, max=1, help="As a share of the cache.")] = 0.1,
    variants: Annotated[bool, typer.Option(help="Compare other constants of hybridfs's own policy.")] = False,
    seed: Annotated[int, typer.Option(help="Of the traces and of the random policies.")] = 1,
) -> None:
    """Print hit ratios of eviction policies over traces of block accesses."""
    if context.invoked_subcommand:
        return
    if trace:
        columns = _recorded(trace_file.read(trace))
    else:
        columns = [Column(name, made(name, capacity, accesses, seed), capacity) for name in WORKLOADS]
    contenders = simulation.variants(seed) if variants else simulation.policies(fill_limit, seed)
    title = f"Hit ratios: {trace.name if trace else f'{accesses} accesses, {capacity} blocks fit'}, seed {seed}"
    _show(title, contenders, columns)


def _recorded(trace: Trace) -> list[Column]:
    distinct = len(np.unique(trace.blocks))
    return [Column(f"{share:.0%} fits", trace, max(20, int(share * distinct))) for share in _SHARES]


def _show(title: str, contenders: simulation.Policies, columns: list[Column]) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH
    table = Table(title=title, title_justify="left", box=SIMPLE)
    table.add_column("policy", no_wrap=True)
    for column in columns:
        table.add_column(column.title, justify="right")
    for name, ratios in simulation.simulated(contenders, columns):
        table.add_row(name, *(f"{ratio:.3f}" for ratio in ratios))
    console.print(table)


@app.command()
def record(
    into: Annotated[Path, typer.Argument(help="The trace, NAME.txt.xz.")],
    scale: Annotated[float, typer.Option(min=0.01, help="TPC-H scale.")] = 1,
    queries: Annotated[int, typer.Option(min=1, help="How many are drawn of the demo's six.")] = 120,
    block_size: Annotated[str, typer.Option(help="Of the cache.")] = "64KiB",
    seed: Annotated[int, typer.Option(help="Of the queries' order.")] = 1,
) -> None:
    """Record the blocks that DuckDB reads through hybridfs for TPC-H queries on a real HDFS."""
    from benchmarks.policies.record import record as recorded

    accesses = recorded(scale, queries, block_size, seed)
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("duckdb", "tpchgen-cli"))
    options = f"--scale {scale:g} --queries {queries} --block-size {block_size} --seed {seed}"
    how = f"python -m benchmarks.policies record {into.name} {options}\n{versions}; application file first-last"
    trace_file.write(into, accesses, how)
    typer.echo(f"{len(accesses)} accesses of {len({access[1:] for access in accesses})} blocks: {into}")


if __name__ == "__main__":
    app()

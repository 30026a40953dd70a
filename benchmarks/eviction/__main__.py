"""The command `python -m benchmarks.eviction`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.eviction import costs, million, reading
from benchmarks.eviction.ground import Finding
from benchmarks.results import BenchmarkError

_MEASUREMENTS: dict[str, Callable[[Path, int], list[Finding]]] = {
    "loop": reading.loop,
    "fill": reading.fill,
    "stats": costs.stats,
    "cpu": costs.cpu,
    "million": million.million,
}


def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"Of {', '.join(_MEASUREMENTS)}; default all.")] = None,
    seed: Annotated[int, typer.Option(help="Of the data and of the order.")] = 1,
) -> None:
    """Measure eviction on real stores, in a scratch directory (TMPDIR; `million` needs 9 GB). Fails if a bound does."""
    unknown = set(names or ()) - set(_MEASUREMENTS)
    if unknown:
        raise typer.BadParameter(f"no measurement {', '.join(sorted(unknown))}; there are {', '.join(_MEASUREMENTS)}")
    console = Console(highlight=False, soft_wrap=True)
    missed = False
    for name in names or _MEASUREMENTS:
        scratch = Path(tempfile.mkdtemp(prefix="hybridfs-eviction-"))
        try:
            for finding in _MEASUREMENTS[name](scratch, seed):
                missed |= finding.met is False
                _tell(console, name, finding)
        except BenchmarkError as error:
            missed = True
            console.print(f"✗ {name}: {error}", style="red", markup=False)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    console.print(f"seed {seed}")
    raise typer.Exit(int(missed))


def _tell(console: Console, name: str, finding: Finding) -> None:
    mark = {None: " ", True: "✓", False: "✗"}[finding.met]
    bound = f" (bound: {finding.bound})" if finding.bound else ""
    console.print(f"{mark} {name}: {finding.what}: {finding.figure}{bound}", markup=False)


if __name__ == "__main__":
    typer.run(main)

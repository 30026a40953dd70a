"""Which workloads a command runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import typer


def chosen(names: Sequence[str] | None, known: Iterable[str]) -> frozenset[str]:
    """Those that are named, all if none is. Raises BadParameter for one that is not known."""
    there = frozenset(known)
    unknown = set(names or ()) - there
    if unknown:
        raise typer.BadParameter(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(sorted(there))}")
    return frozenset(names or there)

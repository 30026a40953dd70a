"""What the cache gave, judged by what plain HDFS said to the same user in the same cell; and the table of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.security.matrix import CHANGES, ROLES, Role

_SIGNS = {"allowed": "A", "denied": "D", "missing": "M", "failed": "!"}


@dataclass
class Verdicts:
    """Of one cell in one language: what HDFS said before and after, and from when on the cache said so, too.

    allowed: when the last open that HDFS would have refused was asked for, refused: the first one that was refused, in
    seconds from the moment the change was acknowledged. opens: those of the first sort.
    """

    before: str = ""
    after: str = ""
    allowed: float = 0.0
    refused: float | None = None
    opens: int = 0

    def __str__(self) -> str:
        verdicts = f"{_SIGNS[self.before]}>{_SIGNS[self.after]}"
        if self.refused is None:
            return verdicts
        return f"{verdicts} {f'{self.allowed:.2f}s' if self.opens else 'next'}"


@dataclass
class Judge:
    """Sums over all reads of a run. Each read of the cache is one observation."""

    sums: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    grid: dict[tuple[str, ...], dict[str, Verdicts]] = field(default_factory=dict)

    def row(self, *name: str) -> dict[str, Verdicts]:
        """The row of the table with this name; by change."""
        return self.grid.setdefault(name, {})

    def read(
        self, what: str, found: Mapping[str, Any], plain: Mapping[str, Any], expected: str, granted_until: float = 0.0
    ) -> None:
        """One read. ``granted_until``: until when an open may rest on an earlier grant (CLOCK_MONOTONIC)."""
        self.sums[f"reads {found['verdict']}"] += 1
        if found["verdict"] == "allowed":
            self._given(what, found, plain, expected, granted_until)
        elif found["verdict"] != plain["verdict"]:
            self.faults.append(f"{what}: {found['verdict']}, by HDFS {plain['verdict']}: {found.get('error')}")

    def _given(
        self, what: str, found: Mapping[str, Any], plain: Mapping[str, Any], expected: str, granted_until: float
    ) -> None:
        if found["hash"] != expected:
            self.faults.append(f"{what}: {found['bytes']} bytes, and not those of the file")
        if plain["verdict"] == "allowed":
            self.sums["bytes allowed"] += found["bytes"]
        elif found["asked"] < granted_until:
            self.sums["bytes by a grant inside freshness"] += found["bytes"]
        else:
            self.sums["bytes leaked"] += found["bytes"]
            late = found["asked"] - granted_until if granted_until else 0
            self.faults.append(f"{what}: {found['bytes']} bytes LEAKED, {plain['verdict']} by HDFS, {late:.3f} s late")

    def worst(self, freshness: str) -> float:
        """The longest time after a change in which an open was still allowed, in rows of this freshness (seconds)."""
        return max((cell.allowed for name, row in self.grid.items() if freshness in name for cell in row.values()))

    @property
    def by_the_next_open(self) -> int:
        """Cells whose very next open was refused."""
        return sum(cell.refused is not None and not cell.opens for cell in self.verdicts)

    @property
    def verdicts(self) -> list[Verdicts]:
        return [cell for row in self.grid.values() for cell in row.values()]

    @property
    def revoked(self) -> int:
        """Cells in which a right was taken."""
        return sum(cell.before == "allowed" != cell.after for cell in self.verdicts)

    def table(self) -> str:
        """The grid, a line for each row, and the sums."""
        legend = "A allowed, D denied, M missing, by HDFS before > after; last open by the cache after s, or none"
        lines = [legend, _line("", list(CHANGES))]
        for name, row in sorted(self.grid.items()):
            lines.append(_line(" ".join(name), [str(row.get(change, "")) for change in CHANGES]))
        freshness = dict.fromkeys(name[-2] for name in self.grid)
        lines += [f"longest time to denial, {value}: {self.worst(value):.3f} s" for value in freshness]
        told = {
            "cells": len(self.verdicts),
            "revoked": self.revoked,
            "at the next open": self.by_the_next_open,
            "bytes leaked": 0,
        } | self.sums
        return "\n".join([*lines, ", ".join(f"{name}: {number:,}" for name, number in told.items())])


def _line(name: str, entries: Sequence[str]) -> str:
    return f"{name:<58}" + "".join(f"{entry:<13}" for entry in entries)


def revocations(roles: Iterable[Role] = ROLES) -> int:
    """How many rights are taken in the cells of these roles, in one language: all of them but one by chown."""
    found = sum(role.readable for role in roles) * len(CHANGES)
    return found - any(role.name == "ACL-allowed" for role in roles)

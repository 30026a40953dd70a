"""What a bench found: figures, and violations, each of which fails it."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Outcome:
    """Figures by name, in the order in which they came, and what was not as it must be."""

    name: str
    seed: int
    figures: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    verbose: bool = False
    begun: float = field(default_factory=time.monotonic)

    def check(self, holds: object, violation: str) -> bool:
        """Notes the violation unless ``holds``; returns whether it does."""
        self.figures["checks"] += 1
        if not holds:
            self.violations.append(violation)
            print(f"VIOLATION {violation}", file=sys.stderr, flush=True)
        return bool(holds)

    def add(self, name: str, amount: int = 1) -> None:
        self.figures[name] += amount

    def say(self, what: str) -> None:
        """Progress, for who watches."""
        if self.verbose:
            print(f"[{time.monotonic() - self.begun:6.1f} s] {what}", flush=True)

    def tell(self) -> int:
        """Prints everything; returns the exit code."""
        self.figures["seconds"] = round(time.monotonic() - self.begun)
        for name, figure in self.figures.items():
            print(f"{name}: {figure:,}")
        print(f"violations: {len(self.violations)}")
        for violation in self.violations:
            print(f"  {violation}")
        print(f"replay with: python -m tests.torture.{self.name} --seed {self.seed}")
        return 1 if self.violations else 0


def unfit(answer: dict[str, Any], names: Iterable[str] = ("wrong", "stuck")) -> str:
    """What must be 0 in an answer of a reader and is not; empty if all is well."""
    return ", ".join(f"{name} {answer[name]}" for name in names if answer.get(name))


def told_figures(output: str) -> dict[str, int]:
    """The figures that another process told."""
    lines = (line.rpartition(": ") for line in output.splitlines())
    return {name: int(figure.replace(",", "")) for name, _, figure in lines if re.fullmatch(r"[0-9,]+", figure)}

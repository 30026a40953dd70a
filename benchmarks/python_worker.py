"""Reads in a Python process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.meter import measured
from benchmarks.reads import READS, Target
from spark_ext.demo.workers import serve


def warm_up(read: str, target: Mapping[str, Any]) -> None:
    """Reads a file that is not measured: modules get imported and connections made."""
    READS[read](Target(**target))


def run(read: str, target: Mapping[str, Any], passes: int) -> list[dict[str, float]]:
    """Reads the file as often as asked; returns what `measured` does for each pass."""
    place = Target(**target)
    return [measured(lambda: READS[read](place)) for _ in range(passes)]


if __name__ == "__main__":
    serve({"warm_up": warm_up, "run": run})

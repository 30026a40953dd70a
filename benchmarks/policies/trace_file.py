"""Recorded accesses in a file: text compressed by xz, a line `<application> <file> <first>[-<last>]` for each run.

Lines that begin with `#` tell how it was made.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import numpy as np

from benchmarks.policies.traces import Trace

Access = tuple[int, str, int]  # application, file, block


def write(path: Path, accesses: Iterable[Access], how: str) -> None:
    """Writes accesses in their order."""
    with lzma.open(path, "wt", encoding="utf-8", preset=9 | lzma.PRESET_EXTREME) as file:
        file.writelines(f"# {line}\n" for line in how.splitlines())
        numbered = enumerate(accesses)
        for (application, name, _), run in groupby(numbered, lambda item: (*item[1][:2], item[1][2] - item[0])):
            blocks = [block for _, (_, _, block) in run]
            last = f"-{blocks[-1]}" if len(blocks) > 1 else ""
            file.write(f"{application} {name} {blocks[0]}{last}\n")


def read(path: Path) -> Trace:
    """The accesses, blocks numbered in the order in which they come first. Raises OSError, LZMAError, ValueError."""
    numbers: dict[tuple[str, int], int] = {}
    blocks: list[int] = []
    applications: list[int] = []
    with lzma.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            if line.startswith("#"):
                continue
            application, name, run = line.split()
            first, _, last = run.partition("-")
            for block in range(int(first), int(last or first) + 1):
                blocks.append(numbers.setdefault((name, block), len(numbers)))
                applications.append(int(application))
    return Trace(path.name.removesuffix(".xz").removesuffix(".txt"), np.array(blocks), np.array(applications))

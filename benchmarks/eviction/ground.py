"""What the measurements share: findings, fresh processes, stores, and traced commands."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.results import BenchmarkError
from hybridfs import config
from hybridfs.layout import Identity
from hybridfs.root import open_root
from hybridfs.stats import Stats
from hybridfs.store import Store

KIB, MIB = 1 << 10, 1 << 20
BLOCK = 64 * KIB  # the smallest: quick
ON_DISK = BLOCK + 4 * KIB  # with its trailer
_T = TypeVar("_T")


@dataclass(frozen=True)
class Finding:
    """A figure. met: whether its bound holds; None: it has none."""

    what: str
    figure: str
    bound: str = ""
    met: bool | None = None


def apart(call: Callable[..., _T], *arguments: object) -> _T:
    """Calls a function of a module in a fresh process, and waits for the end of that."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(call, *arguments).result()


def new_store(root: Path, stats: Stats | None = None, **options: Any) -> Store:
    """A store without an engine; 64 KiB blocks unless the root has others."""
    settings = config.settings(**({"cache_dir": str(root), "block_size": BLOCK, "min_free": 0} | options))
    return Store(open_root(str(root), settings.block_size), settings, stats or Stats())


def part(number: int, blocks: int, block_size: int = BLOCK) -> Identity:
    """A file of so many full blocks."""
    return Identity("bench", f"bench://origin/{number}", "1", blocks * block_size)


def traced(code: str, *arguments: object, options: list[str]) -> tuple[str, str]:
    """Runs Python code under strace; returns what it printed and what strace noted."""
    strace = shutil.which("strace")
    if strace is None:
        raise BenchmarkError("strace is missing; install it with the system's package manager")
    command = [strace, "-f", *options, "-o", "/dev/fd/2", sys.executable, "-c", code, *map(str, arguments)]
    env = os.environ | {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"under strace: {done.stderr[-2000:]}")
    return done.stdout, done.stderr

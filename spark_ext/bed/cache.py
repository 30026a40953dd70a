"""What the beds fetch: once per user, complete whenever it is there, also when two processes want it at once."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cached(name: str, fill: Callable[[Path], None]) -> Path:
    """The directory `name` of the user's cache; `fill` makes it, at a path that is not there yet, where it is missing.

    What `fill` makes is renamed in one step. If it raises, nothing is left, and its error is passed on.
    """
    target = _base() / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with _exclusive(target.with_suffix(".lock")):
            if not target.exists():
                _install(target, fill)
    return target


def _base() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "hybridfs-bed"


@contextmanager
def _exclusive(lock: Path) -> Iterator[None]:
    with lock.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _install(target: Path, fill: Callable[[Path], None]) -> None:
    scratch = Path(tempfile.mkdtemp(prefix="fetching-", dir=target.parent))
    try:
        fill(scratch / "new")
        (scratch / "new").rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)

"""The system calls that the cache makes, as places where a test can make it fail, or die."""

from __future__ import annotations

import builtins
import fcntl
import mmap
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# Those whose system calls are the cache's; an origin may fail in other ways.
CACHE = frozenset(
    f"hybridfs.{name}"
    for name in (
        *("publishing", "shared_sum", "ledger", "pins", "contents", "tier", "eviction", "upkeep", "store"),
        *("locks", "root", "blocks", "open_blocks"),
    )
)
_PATCHED: tuple[tuple[Any, str], ...] = (
    *(
        (os, name)
        for name in (
            "open",
            "writev",
            "write",
            "fchmod",
            "chmod",
            "rename",
            "link",
            "unlink",
            "mkdir",
            "rmdir",
            "removedirs",
        )
    ),
    *(
        (os, name)
        for name in ("stat", "fstat", "statvfs", "pread", "preadv", "scandir", "listdir", "utime", "truncate")
    ),
    (builtins, "open"),
    (fcntl, "fcntl"),
    (mmap, "mmap"),
)
Act = Callable[[str, int], None]


@contextmanager
def seams(act: Act) -> Iterator[None]:
    """Calls ``act(name, number)`` before each system call of the cache, counted from 1; it may raise."""
    lock, count = threading.Lock(), 0

    def patched(owner: Any, name: str) -> Any:
        real = getattr(owner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            if sys._getframe(1).f_globals.get("__name__") in CACHE:
                with lock:
                    count += 1
                    number = count
                act(name, number)
            return real(*args, **kwargs)

        return call

    reals = [(owner, name, getattr(owner, name)) for owner, name in _PATCHED]
    try:
        for owner, name, _ in reals:
            setattr(owner, name, patched(owner, name))
        yield
    finally:
        for owner, name, real in reals:
            setattr(owner, name, real)


def dying(at: int) -> Act:
    """The process ends as in a power cut, in place of the ``at``-th call."""

    def act(name: str, number: int) -> None:
        if number == at:
            os.kill(os.getpid(), signal.SIGKILL)

    return act


def failing(first: int, last: int, error: int) -> Act:
    """Calls ``first`` to ``last`` fail with the errno ``error``."""

    def act(name: str, number: int) -> None:
        if first <= number <= last:
            raise OSError(error, f"{os.strerror(error)} (a test's)")

    return act

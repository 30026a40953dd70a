"""Wall time and CPU time of a call."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import psutil


def measured(call: Callable[[], int]) -> dict[str, float]:
    """Calls once; returns `wall` and `cpu` (user and system) in seconds and, as `amount`, what the call returned.

    The CPU time is that of this process, of its living descendants (a JVM, say) and of those it has waited for.
    """
    descendants = _descendants()  # looked up outside of what is measured: it takes milliseconds
    wall, cpu = time.perf_counter(), time.process_time()
    amount = call()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"wall": wall, "cpu": cpu + _descendants() - descendants, "amount": amount}


def _descendants() -> float:
    ended = os.times()
    living = (child.cpu_times() for child in psutil.Process().children(recursive=True))
    each = (times.user + times.system + times.children_user + times.children_system for times in living)
    return float(sum(each, ended.children_user + ended.children_system))

"""Writes what can wait, in a daemon thread that is there only while there is something to write."""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable

_MOST = 1 << 19  # records that wait; what comes when so many do is not kept
_AT_EXIT = 1.0


class Keeper:
    """Runs tasks one after the other. What a task raises is dropped: a task tells itself what it has to tell."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Callable[[], None]]] = deque()
        self._weight = 0
        self._changed = threading.Condition()
        self._works = False
        self._pid = os.getpid()
        _keepers.add(self)

    def submit(self, weight: int, task: Callable[[], None]) -> None:
        """Has the task run soon; not if too much is waiting already, or the process ends."""
        with self._changed:
            if self._weight + weight > _MOST:
                return
            self._waiting.append((weight, task))
            self._weight += weight
            if self._works:
                return
            self._works = True
        try:
            threading.Thread(target=self._work, name="hybridfs-listings", daemon=True).start()
        except RuntimeError:  # no more threads, or the process ends
            with self._changed:
                self._waiting.clear()
                self._weight, self._works = 0, False

    def drain(self, seconds: float) -> bool:
        """Waits until nothing is waiting or being written; False if that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._works, seconds)

    def is_of(self, pid: int) -> bool:
        return self._pid == pid

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._waiting:
                    self._works = False
                    self._changed.notify_all()
                    return
                weight, task = self._waiting.popleft()
                self._weight -= weight
            try:
                task()
            except Exception:  # a fault of the cache
                continue


_keepers: weakref.WeakSet[Keeper] = weakref.WeakSet()


def _at_exit() -> None:
    ends = time.monotonic() + _AT_EXIT  # for all of them
    for keeper in list(_keepers):
        if keeper.is_of(os.getpid()):  # in the child of a fork there is no such thread
            keeper.drain(max(0.0, ends - time.monotonic()))


atexit.register(_at_exit)

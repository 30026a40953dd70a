"""Waiting no longer than allowed for an origin that may never answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from hybridfs.errors import OriginUnreachable

# Seconds, by whether the answer is awaited briefly. Hadoop's own bound of a call is ipc.client.rpc-timeout.ms, 120 s.
PATIENCE = {False: 120.0, True: 10.0}
_THREADS = 32
_T = TypeVar("_T")


class Answers:
    """Asks in threads of its own, which are left behind when the origin stays silent.

    hdfs-native waits for a NameNode that is frozen, or behind a link that swallows packets, until the kernel gives the
    connection up, if ever. The threads are daemons, unlike those of a ``ThreadPoolExecutor``: the process can end.
    """

    def __init__(self, threads: int = _THREADS) -> None:
        self._most = threads
        self._asked: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._lock = threading.Lock()
        self._outstanding = 0
        self._threads = 0

    def ask(self, call: Callable[[], _T], seconds: float) -> _T:
        """What ``call`` returns or raises. Raises OriginUnreachable after ``seconds``."""
        future = self.start(call)
        try:
            return future.result(seconds)
        except TimeoutError:
            if not future.cancel() and future.done():
                return future.result()  # it came at the last moment, or the error is its own
            raise OriginUnreachable(f"no answer within {seconds:g} s") from None

    def start(self, call: Callable[[], _T]) -> Future[_T]:
        """What ``call`` will return or raise."""
        future: Future[_T] = Future()
        self._asked.put((future, call))
        self._hire()
        return future

    def _hire(self) -> None:
        with self._lock:
            self._outstanding += 1
            if self._threads >= min(self._outstanding, self._most):
                return
            self._threads += 1
        threading.Thread(target=self._work, name="hybridfs-origin", daemon=True).start()

    def _work(self) -> None:
        while True:
            _run(*self._asked.get())
            with self._lock:
                self._outstanding -= 1


def _run(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        answer = call()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(answer)

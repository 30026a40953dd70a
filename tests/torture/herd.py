"""Processes that read all the time, and are killed, stopped and given wrong clocks meanwhile."""

from __future__ import annotations

import os
import random
import selectors
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.torture.clocks import DAY, WallClock
from tests.torture.workers import Worker

_START_SECONDS = 90.0  # a process may take so long until its first answer
_TURN_SECONDS = 0.3  # of reading, from one answer to the next


@dataclass
class Member:
    """One place in the herd; when its process is killed, another takes it. A ``precious`` one is not killed."""

    name: str
    command: list[str]
    config: dict[str, Any]
    clock: WallClock | None = None
    precious: bool = False
    worker: Worker | None = None
    pid: int = 0  # of the reader itself, once it has answered
    asked_at: float = 0
    stopped_until: float = 0
    counted: Counter[str] = field(default_factory=Counter)  # by its present process, in the cache
    resources: list[tuple[int, int]] = field(default_factory=list)  # descriptors and memory, as long as it lives

    def start(self) -> None:
        self.worker = Worker(self.command, self.config, **(self.clock.environment if self.clock else {}))
        self.pid, self.stopped_until = 0, 0.0
        self.counted, self.resources = Counter(), []

    def ask(self, order: dict[str, Any]) -> None:
        assert self.worker
        self.worker.tell(order)
        self.asked_at = time.monotonic()

    def answer(self) -> dict[str, Any]:
        assert self.worker
        found = self.worker.answer()
        self.pid = found["pid"]
        counted = Counter({name: n for name, n in found["stats"].items() if isinstance(n, int) and name != "pid"})
        found["stats"], self.counted = counted - self.counted, counted  # what is new
        self.resources.append((found["descriptors"], found["memory"]))
        return found

    def kill(self) -> None:
        """As a power cut would, also where it is stopped; a time namespace's parent goes with it."""
        assert self.worker
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
        self.worker.end()
        self.pid = 0

    def stop(self, seconds: float) -> None:
        os.kill(self.pid, signal.SIGSTOP)
        self.stopped_until = time.monotonic() + seconds

    def is_stopped(self) -> bool:
        """Lets it go on when its time is over."""
        if self.stopped_until and time.monotonic() > self.stopped_until:
            os.kill(self.pid, signal.SIGCONT)
            self.stopped_until = 0.0
            self.asked_at = time.monotonic()  # from now on it must make progress
        return self.stopped_until > 0

    def silent_for(self) -> float:
        """Seconds without progress, beyond those that a process may take to start."""
        return time.monotonic() - self.asked_at - (0 if self.pid else _START_SECONDS)


class Herd:
    """Members and what is done to them, by a seed; how it falls together is a matter of time."""

    def __init__(self, members: Sequence[Member], seed: int) -> None:
        self.members = members
        self._draw = random.Random(seed)
        self.done: Counter[str] = Counter()
        for member in members:
            member.start()

    def read_on(self, member: Member) -> None:
        order = {"seed": self._draw.getrandbits(32), "seconds": _TURN_SECONDS}
        member.ask({"random": order})

    def answers(self, seconds: float) -> Iterator[tuple[Member, dict[str, Any]]]:
        """What members answer within so many seconds. Raises RuntimeError when one has ended by itself."""
        with selectors.DefaultSelector() as waiting:
            for member in self.members:
                assert member.worker
                waiting.register(member.worker.child.output, selectors.EVENT_READ, member)
            for key, _ in waiting.select(seconds):
                yield key.data, key.data.answer()

    def disturb(self) -> Member | None:
        """Does something to a member; returns it if it was killed and started anew."""
        what = self._draw.choices(["kill", "stop", "stop long", "move clock"], [40, 30, 8, 22])[0]
        member = self._draw.choice(self.members)
        if what == "kill" and not member.precious:
            self._did("killed")
            member.kill()
            member.start()
            return member
        if what.startswith("stop") and member.pid and not member.stopped_until:
            self._did("stopped")
            member.stop(self._draw.uniform(0.2, 2) if what == "stop" else self._draw.uniform(4, 9))
        elif what == "move clock" and member.clock:
            self._did("moved clocks")
            member.clock.move(self._draw.choice([0, -3600, 3600, -30 * DAY, 30 * DAY, self._draw.randint(-90, 90)]))
        return None

    def _did(self, what: str) -> None:
        self.done[what] += 1

    def end(self) -> None:
        for member in self.members:
            member.kill()

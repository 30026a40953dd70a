"""How often contenders take turns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Rounds:
    """A round of warming up and then `count` that count; fewer, down to `fewest`, when they take over `seconds`."""

    count: int
    fewest: int
    seconds: float

    def __iter__(self) -> Iterator[bool]:
        """Yields once a round whether it counts."""
        started = time.monotonic()
        yield False
        for number in range(self.count):
            if number >= self.fewest and time.monotonic() - started > self.seconds:
                return
            yield True

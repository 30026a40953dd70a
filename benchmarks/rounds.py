"""How often contenders take turns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

_FEWEST = 2


@dataclass(frozen=True)
class Rounds:
    """A round of warming up and then `count` that count; fewer, but two at least, when they take over `seconds`."""

    count: int
    seconds: float

    def __iter__(self) -> Iterator[bool]:
        """Yields once a round whether it counts."""
        started = time.monotonic()
        yield False
        for number in range(self.count):
            if number >= _FEWEST and time.monotonic() - started > self.seconds:
                return
            yield True

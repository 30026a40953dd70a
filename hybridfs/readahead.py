"""How far ahead of a reader to fetch."""

from __future__ import annotations


class ReadAhead:
    """Which blocks to fetch when one is wanted: what the read still needs and, once it is sequential, a window more.

    A stream that hits asks for nothing. ``window`` and ``blocks`` (the file's) are counted in blocks.
    """

    def __init__(self, window: int, blocks: int) -> None:
        self._window = window
        self._end = blocks
        self._previous: int | None = None
        self._steps = 0
        self._cold = False
        self.horizon = -1  # the last block that was asked for

    def window(self, number: int, last: int, *, missed: bool) -> range:
        """Blocks to fetch when ``number`` is read in a read up to ``last``: with ``number`` itself if it missed."""
        self._steps = self._steps + 1 if self._previous is not None and number == self._previous + 1 else 0
        self._previous = number
        self._cold = missed or (self._cold and number <= self.horizon)
        if not self._cold:
            return range(0)
        if missed:
            self.horizon = number - 1
        goal = min(max(min(last, number + self._window), number + self._reach()), self._end - 1)
        room = min(self._window, self._end - 1 - number)
        if not missed and goal - self.horizon < max(1, room / 2):
            return range(0)
        started = range(self.horizon + 1, goal + 1)
        self.horizon = goal
        return started

    def _reach(self) -> int:
        """Nothing for a first read, a little for a second block in order, then the whole window."""
        return min(self._window, 4**self._steps) if self._steps else 0

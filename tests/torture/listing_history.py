"""What another client did to a tree of HDFS, and when: all states that each path had, as it was logged by who did it.

A line of the log is a state that a path got: ``begin end kind path kind-of-node fileId length mtime permission crc``,
parted by tabs. Times are CLOCK_MONOTONIC in nanoseconds, which Python and the JVM share; a state began to be there
between ``begin`` and ``end``, and was gone between those of the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

ABSENT = "-"
FILE, DIRECTORY = "f", "d"
# What takes more than one call: a file that is being written is listed with some part of its length.
_SLOW = frozenset({"create", "overwrite", "append"})


class State(NamedTuple):
    """Of a path. mtime: in milliseconds; 0 of a directory, where it is not judged."""

    begin: int
    end: int
    slow: bool
    node: str
    file_id: int
    length: int
    mtime: int
    permission: int
    crc: int

    @property
    def absent(self) -> bool:
        return self.node == ABSENT

    @property
    def told(self) -> tuple[str, int, int, int]:
        """What a listing tells of it, but for the fileId."""
        return (self.node, self.length, self.mtime, self.permission)


_NEVER = State(-1, -1, False, ABSENT, 0, 0, 0, 0, 0)


class History:
    """All states of all paths."""

    def __init__(self) -> None:
        self._paths: dict[str, list[State]] = {}
        self._names: defaultdict[str, list[str]] = defaultdict(list)
        self.states = 0

    def add(self, line: str) -> None:
        begin, end, kind, path, node, *numbers = line.split("\t")
        if path not in self._paths:
            self._paths[path] = [_NEVER]
            self._names[path.rpartition("/")[0]].append(path)
        file_id, length, mtime, permission, crc = map(int, numbers)
        state = State(int(begin), int(end), kind in _SLOW, node, file_id, length, mtime, permission, crc)
        self._paths[path].append(state)
        self.states += 1

    def knows(self, path: str) -> bool:
        return path in self._paths

    def below(self, directory: str, *, recursive: bool) -> Iterator[str]:
        """Paths that were ever in a directory."""
        for path in self._names.get(directory, ()):
            yield path
            if recursive and path in self._names:
                yield from self.below(path, recursive=True)

    def possible(self, path: str, since: int, until: int) -> list[State]:
        """States that the path may have had at some moment of the interval, the latest first."""
        states = self._paths.get(path, (_NEVER,))
        found = []
        for number in range(len(states) - 1, -1, -1):
            if states[number].begin > until:
                continue
            found.append(states[number])
            if states[number].end < since:
                break  # the earlier ones were gone by then
        return found

    def latest(self, path: str) -> State:
        return self._paths.get(path, (_NEVER,))[-1]

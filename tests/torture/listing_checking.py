"""What a listing that another client changes meanwhile may tell, judged by that client's log.

Every name that was there during the whole request must be told, and none that was never there. The request is that of
a scan, where a listing is part of one. Attributes are of the version of that name that there is, and not older than
``freshness`` before the request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from tests.torture.listing_history import DIRECTORY, FILE, History, State

_TOLD = 20


class Entry(NamedTuple):
    """What an answer tells of a path. file_id: 0 where the language does not show it."""

    path: str
    node: str
    length: int
    mtime: int
    permission: int
    file_id: int


def entries(directory: str, packed: str) -> Iterator[Entry]:
    """Of an answer's text: ``path,node,length,mtime,permission,fileId`` each, parted by ``|``; paths below it."""
    for one in packed.split("|") if packed else ():
        path, node, length, mtime, permission, file_id = one.split(",")
        told = 0 if node == DIRECTORY else int(mtime)
        yield Entry(f"{directory}/{path}", node, int(length), told, int(permission), int(file_id))


class Checker:
    """freshness: in nanoseconds, how old attributes may be. slack: how old names may be, 0 for validated listings."""

    def __init__(self, history: History, freshness: int, slack: int = 0) -> None:
        self._history = history
        self._freshness = freshness
        self._slack = slack
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []

    def check(self, line: str) -> None:
        """One line of a reader: what it asked, when, and what it was told."""
        what, begin, end, way, path, *rest = line.split("\t")
        since, until = int(begin), int(end)
        self.counts[f"{way}: {what}"] += 1
        if what == "failed":
            self._failed(path, since, until, way, rest[0])
        elif what == "read":
            self._read(path, since, until, way, rest)
        elif what == "status":
            self._entry(next(entries(path.rpartition("/")[0], rest[0])), since, until, way)
        else:
            self._listed(path, since, until, way, what, rest[0])

    # ---- names

    def _listed(self, directory: str, since: int, until: int, way: str, what: str, packed: str) -> None:
        found = set()
        for entry in entries(directory, packed):
            if entry.path in found:
                self._violation("told twice", way, since, until, entry.path, entry)
            found.add(entry.path)
            self._entry(entry, since, until, way)
        for path in self._history.below(directory, recursive=what != "list"):
            if path in found:
                continue
            states = self._history.possible(path, since - self._slack, until)
            if what == "files" and any(state.node == DIRECTORY for state in states):
                continue
            if all(not state.absent for state in states):
                self._violation("missed", way, since, until, path, None)

    def _entry(self, entry: Entry, since: int, until: int, way: str) -> None:
        self.counts["entries judged"] += 1
        present = self._history.possible(entry.path, since - self._slack, until)
        if len(present) == 1 and present[0].told == entry[1:5] and entry.file_id in (0, present[0].file_id):
            return  # by far the most
        here = {state.file_id for state in present if not state.absent}
        if not here:
            self._violation("ghost", way, since, until, entry.path, entry)
            return
        if entry.file_id and entry.file_id not in here:
            self._violation("replaced", way, since, until, entry.path, entry)
            return
        recent = self._history.possible(entry.path, since - max(self._freshness, self._slack), until)
        ids = {entry.file_id} if entry.file_id else here
        if not any(self._tells(entry, state, since) for state in recent if state.file_id in ids):
            self._violation("old attributes", way, since, until, entry.path, entry)

    def _tells(self, entry: Entry, state: State, since: int) -> bool:
        if state.told == entry[1:5]:
            return True
        # While a file is written it has some length and time; nobody can say which it had when it was looked at.
        unfinished = state.slow and state.end >= since - self._freshness
        return unfinished and entry.node == FILE and entry.length <= state.length

    # ---- errors and bytes

    def _failed(self, path: str, since: int, until: int, way: str, error: str) -> None:
        gone = error.startswith("FileNotFound") and self._may_be_absent(path, since, until, way)
        if gone:
            self.counts["rightly not found"] += 1
        else:
            self._violation("failed", way, since, until, path, error)

    def _may_be_absent(self, path: str, since: int, until: int, way: str) -> bool:
        """Plain HDFS's own recursion fails, too, when a directory goes that it has just seen."""
        below = [path, *(self._history.below(path, recursive=True) if way == "listFiles" else ())]
        return any(state.absent for one in below for state in self._history.possible(one, since - self._slack, until))

    def _read(self, path: str, since: int, until: int, way: str, rest: list[str]) -> None:
        """``rest``: when it was listed; the length, mtime and fileId (0: of none) that it is of; checksum or error."""
        asked, length, mtime, file_id, found = rest
        first = int(asked) - max(self._freshness, self._slack)
        states = self._history.possible(path, first, until)
        if not found.isdecimal():
            self.counts["reads refused, for the file had changed"] += 1
            if len(states) == 1:
                self._violation("read failed", way, since, until, path, found)
            return
        if int(file_id):
            brought = (int(length), int(mtime), int(file_id))
            fitting = [state for state in states if (state.length, state.mtime, state.file_id) == brought]
            excused = not fitting and any(state.slow and state.end >= first for state in states)
        else:
            fitting = self._history.possible(path, since, until)
            excused = any(state.slow and state.end >= since for state in fitting)
        if any(state.crc == int(found) and not state.absent for state in fitting):
            self.counts["reads verified"] += 1
        elif excused:
            self.counts["reads of what was being written"] += 1
        else:
            self._violation("wrong bytes", way, since, until, path, rest)

    def _violation(self, kind: str, way: str, since: int, until: int, path: str, told: object) -> None:
        self.counts[f"VIOLATION {kind}"] += 1
        if len(self.violations) < _TOLD:
            states = self._history.possible(path, since - self._freshness, until)
            log = "; ".join(
                f"{state.node} {state.file_id} {state.told[1:]} from {(state.begin - since) / 1e6:.1f} "
                f"to {(state.end - since) / 1e6:.1f} ms"
                for state in states
            )
            asked = f"asked for {(until - since) / 1e6:.1f} ms"
            self.violations.append(f"{kind} by {way}: {path}: told {told}, {asked}; was, latest first: {log}")

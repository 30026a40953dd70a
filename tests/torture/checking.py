"""What a reader may see of files that are changed under it, and what it has seen that it may not have."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hybridfs.errors import FileChanged
from tests.torture.board import Board
from tests.torture.content import Version

_TOLD = 20  # violations of one worker that are told in full


@dataclass
class Sight:
    """One open stream, or one read by path: what it may be of."""

    file: int
    low: int  # the version that was finished before it began
    candidates: list[int] = field(default_factory=list)  # versions that all it has shown so far is of
    size: int = -1  # that it was opened with

    def admits(self, number: int, version: Version) -> bool:
        """Whether it may be of this version: of one that was being written, a beginning."""
        if version.absent:
            return False
        return self.size in (-1, version.length) or (number > self.low and self.size < version.length)


class Checker:
    """The versions of all files and what was found."""

    def __init__(self, board: Board, files: int) -> None:
        self.board = board
        self.versions: list[list[Version]] = [[] for _ in range(files)]
        self.counts: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.violations: list[dict[str, Any]] = []

    def learn(self, versions: dict[str, list[list[int]]]) -> None:
        for file, packed in versions.items():
            self.versions[int(file)] += map(Version.unpacked, packed)

    def version(self, file: int, number: int) -> Version:
        return self.versions[file][number]

    def begin(self, file: int) -> Sight:
        """Before a file is opened."""
        return Sight(file, self.board.finished(file))

    def opened(self, sight: Sight, size: int) -> None:
        """After it was opened, with this size."""
        sight.size = size
        span = range(sight.low, self.board.started(sight.file) + 1)
        sight.candidates = [n for n in span if sight.admits(n, self.version(sight.file, n))]
        if not sight.candidates:
            self._violation("wrong size", sight, high=span[-1])
        elif len(span) == 1:
            self.counts["opened while nothing changed"] += 1

    def failed_to_open(self, sight: Sight, error: OSError) -> None:
        span = range(sight.low, self.board.started(sight.file) + 1)
        if isinstance(error, FileNotFoundError) and any(self.version(sight.file, n).absent for n in span):
            self.counts["rightly not found"] += 1
        elif len(span) > 1:
            self._beside_a_mutation(error)
        else:
            self._violation("open failed", sight, error=repr(error))

    def read(self, sight: Sight, offset: int, data: bytes) -> bool:
        """Whether the bytes are of a version that the stream may be of; only those remain."""
        self.counts["bytes verified"] += len(data)
        versions = self.versions[sight.file]
        matching = [number for number in sight.candidates if versions[number].holds(offset, data)]
        if not matching:
            shown = base64.b64encode(data[: 1 << 20]).decode()
            self._violation("wrong bytes", sight, offset=offset, size=len(data), data=shown)
        sight.candidates = matching or sight.candidates
        return bool(matching)

    def failed_to_read(self, sight: Sight, error: OSError) -> None:
        """A stream may fail if a change of its file began since before it was opened."""
        if self.board.started(sight.file) == sight.low:
            self._violation("read failed", sight, error=repr(error))
        elif isinstance(error, FileChanged):
            self.counts["rightly FileChanged"] += 1
        else:
            self._beside_a_mutation(error)

    def differs_from_plain(self, sight: Sight, offset: int, data: bytes, plain: bytes) -> None:
        """Compares with what plain HDFS gives for the same range, if the file has not changed."""
        if self.board.started(sight.file) != sight.low:
            return
        self.counts["compared with plain HDFS"] += 1
        if data != plain:
            shown = base64.b64encode(data[: 1 << 20]).decode()
            self._violation("differs from plain HDFS", sight, offset=offset, size=len(data), data=shown)

    def _beside_a_mutation(self, error: OSError) -> None:
        self.counts["other errors beside a mutation"] += 1
        self.errors[f"{type(error).__name__}: {error}"[:160]] += 1

    def _violation(self, what: str, sight: Sight, **more: Any) -> None:
        self.counts["violations"] += 1
        if len(self.violations) < _TOLD:
            now = (self.board.finished(sight.file), self.board.started(sight.file))
            found = {"what": what, "file": sight.file, "low": sight.low, "size_at_open": sight.size, "now": now}
            self.violations.append({**found, "candidates": sight.candidates, **more})

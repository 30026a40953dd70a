"""What the workers of the differential bench do, by a seed: rounds of operations for each lane.

Each file has one lane that changes it in a round, and all may read it meanwhile. What the plan says is the same for
the same seed; which of the operations meet is not, for that is a matter of time.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from tests.torture.content import ABSENT, Version
from tests.torture.mutating import Kind

KIB = 1 << 10
SLOTS = 8  # streams that a lane keeps open
HDFS_BLOCK = 128 * KIB  # of what the JVM writes
PYTHON_HDFS_BLOCK = 1024 * KIB  # hdfs-native fails when it has to add a block before the one before was reported
_CACHE_BLOCK = 64 * KIB
_LARGEST = 320 * KIB
_OLD = 1_500_000_000_000  # modification times that are set, in milliseconds, are from here on: long past


class Op(IntEnum):
    """Operations as messages name them, with their numbers. A place is taken modulo the size that the file has."""

    OPEN = 0  # slot, file, whether to open plain HDFS, too, and to compare
    READ = 1  # slot, file to open if the slot is empty, size: at the stream's position, from 0 again after the end
    PREAD = 2  # slot, file, place, size
    SEEK = 3  # slot, file, place
    RANGES = 4  # slot, file, other file, (place, size) …
    WHOLE = 5  # slot, file: open, read all, close
    MUTATE = 6  # kind, whether through the cache, file, its version, other file or -1, its version, time


# How often, in thousandths. A mutation may need another before it (a rename a source).
_SHARES = {Op.OPEN: 105, Op.READ: 380, Op.PREAD: 245, Op.SEEK: 85, Op.RANGES: 45, Op.WHOLE: 35, Op.MUTATE: 125}
_READING = [code for code in _SHARES if code != Op.MUTATE]
_READING_WEIGHTS = [_SHARES[code] for code in _READING]
_BY_JVM = {Kind.WRITE: 34, Kind.APPEND: 15, Kind.DELETE: 4, Kind.RENAME: 11, Kind.TIMES: 19, Kind.TRUNCATE: 17}
# hdfs-native waits for half a second where a DataNode is late to report a block.
_BY_PYTHON = {Kind.WRITE: 2, Kind.APPEND: 8, Kind.DELETE: 1, Kind.RENAME: 3, Kind.TIMES: 86}


@dataclass
class _File:
    """A file as the plan has it."""

    by_jvm_only: bool
    versions: list[Version] = field(default_factory=lambda: [ABSENT])
    inode: int = 0
    block: int = HDFS_BLOCK
    mtime: int = 0  # that was set; 0: the one that the last writing made
    times: list[int] = field(default_factory=list)
    seen: dict[tuple[int, ...], tuple[tuple[int, int], ...]] = field(default_factory=dict)
    told: int = 0  # versions that were sent

    @property
    def now(self) -> Version:
        return self.versions[-1]

    def key(self, mtime: int, inode: int, length: int) -> tuple[int, ...]:
        """All that a reader knows of a version: Python's sees no fileId."""
        return (mtime, length, inode) if self.by_jvm_only else (mtime, length)

    def is_ambiguous(self, mtime: int, inode: int, version: Version) -> bool:
        """Whether a reader could take this for another version that there was."""
        return self.seen.get(self.key(mtime, inode, version.length), version.segments) != version.segments

    def becomes(self, version: Version, mtime: int, inode: int) -> None:
        self.versions.append(version)
        self.mtime, self.inode = mtime, inode
        if mtime:
            self.seen[self.key(mtime, inode, version.length)] = version.segments
            self.times.append(mtime)


def reading(draw: random.Random, code: Op, files: Sequence[int]) -> list[int]:
    """An operation of this kind on one of the files, of which the first ones are read most."""
    slot, file = draw.randrange(SLOTS), _popular(draw, files)
    if code == Op.OPEN:
        return [code, slot, file, int(draw.random() < 0.15)]
    if code == Op.READ:
        return [code, slot, file, _size(draw)]
    if code == Op.PREAD:
        return [code, slot, file, draw.getrandbits(30), _size(draw)]
    if code == Op.SEEK:
        return [code, slot, file, draw.getrandbits(30)]
    if code == Op.RANGES:
        ranges = [(draw.getrandbits(30), _size(draw)) for _ in range(draw.randint(2, 5))]
        return [code, slot, file, _popular(draw, files), *(number for one in ranges for number in one)]
    return [code, slot, file]


def random_read(draw: random.Random, files: Sequence[int]) -> list[int]:
    """Any operation but a mutation."""
    (code,) = draw.choices(_READING, _READING_WEIGHTS)
    return reading(draw, code, files)


def _popular(draw: random.Random, files: Sequence[int]) -> int:
    return files[int(len(files) * draw.random() ** 2)]


def _size(draw: random.Random) -> int:
    return draw.randint(1, 4 * KIB) if draw.random() < 0.7 else draw.randint(1, 3 * _CACHE_BLOCK)


class Plan:
    """lanes: for each, whether it is of a JVM. ``avoided`` counts what a Python reader could not have told apart."""

    def __init__(self, seed: int, lanes: Sequence[bool], files: int) -> None:
        self._random = random.Random(seed)
        self._lanes = lanes
        self._files = [_File(by_jvm_only=number % 4 == 3) for number in range(files)]
        self._generation = self._inode = self._clock = self._round = 0
        self.avoided: Counter[str] = Counter()

    def round(self, operations: int) -> list[list[list[int]]]:
        """The next operations of each lane."""
        self._round += 1
        return [list(self._lane(number, operations)) for number in range(len(self._lanes))]

    def news(self) -> dict[str, list[list[int]]]:
        """The versions of files that were not told yet."""
        fresh = {}
        for number, file in enumerate(self._files):
            fresh[str(number)] = [version.packed() for version in file.versions[file.told :]]
            file.told = len(file.versions)
        return fresh

    def versions_of(self, number: int) -> list[Version]:
        """All versions that the plan gave a file so far."""
        return self._files[number].versions

    def _lane(self, lane: int, operations: int) -> Iterator[list[int]]:
        jvm, draw = self._lanes[lane], self._random
        mine = [number for number in range(len(self._files)) if (number + self._round) % len(self._lanes) == lane]
        for number in mine:  # most files are there, and the JVM's are written sooner
            if self._round == 1 or (jvm and self._files[number].now.absent and draw.random() < 0.7):
                yield self._write(number, jvm)
        if self._round == 1:
            return
        readable = [number for number, file in enumerate(self._files) if jvm or not file.by_jvm_only]
        codes, weights = list(_SHARES), list(_SHARES.values())
        for code in draw.choices(codes, weights, k=operations):
            if code == Op.MUTATE:
                present = [number for number in mine if not self._files[number].now.absent]
                choice = mine if jvm or not present or draw.random() < 0.1 else present
                yield from self._mutations(draw.choice(choice), mine, jvm)
            else:
                yield reading(draw, code, readable)

    # ---- mutations

    def _mutations(self, number: int, mine: Sequence[int], jvm: bool) -> Iterator[list[int]]:
        file, draw = self._files[number], self._random
        if file.now.absent:
            yield self._write(number, jvm)
            return
        shares = _BY_JVM if jvm else _BY_PYTHON
        (kind,) = draw.choices(list(shares), list(shares.values()))
        if kind == Kind.APPEND or (kind == Kind.TRUNCATE and file.now.length < 2):
            yield self._append(number, jvm)
        elif kind == Kind.DELETE:
            file.becomes(ABSENT, 0, 0)
            yield self._mutation(Kind.DELETE, number)
        elif kind == Kind.RENAME:
            others = [other for other in mine if other != number]
            present = [other for other in others if not self._files[other].now.absent]
            yield from self._rename(draw.choice(others if jvm or not present else present), number, jvm)
        elif kind == Kind.TIMES:
            yield from self._times(number, jvm)
        elif kind == Kind.TRUNCATE:
            if file.block != HDFS_BLOCK:
                yield self._write(number, jvm, file.now.length)
            length = file.now.length
            yield self._truncate(number)
            if draw.random() < 0.4:
                yield self._append(number, jvm, max(1, length - file.now.length))
        else:
            yield self._write(number, jvm)

    def _write(self, number: int, jvm: bool, length: int = 0) -> list[int]:
        file = self._files[number]
        self._inode += 1
        file.block = HDFS_BLOCK if jvm else PYTHON_HDFS_BLOCK
        file.becomes(Version(length or self._length(file.now.length), ((0, self._new()),)), 0, self._inode)
        return self._mutation(Kind.WRITE, number)

    def _append(self, number: int, jvm: bool, size: int = 0) -> list[int]:
        file = self._files[number]
        size = size or self._random.randint(1, _CACHE_BLOCK)
        if not jvm:
            size = min(size, file.block - file.now.length % file.block)
        file.becomes(file.now.appended(size, self._new()), 0, file.inode)
        return self._mutation(Kind.APPEND, number)

    def _truncate(self, number: int) -> list[int]:
        """Mostly between blocks of HDFS: else HDFS recovers the last one, which takes it a second."""
        file, draw = self._files[number], self._random
        length = draw.randrange((file.now.length - 1) // HDFS_BLOCK + 1) * HDFS_BLOCK
        if draw.random() < 0.01:
            length = draw.randint(1, file.now.length - 1)
        file.becomes(file.now.truncated(length), 0, file.inode)
        return self._mutation(Kind.TRUNCATE, number)

    def _rename(self, source: int, target: int, jvm: bool) -> Iterator[list[int]]:
        moved, over = self._files[source], self._files[target]
        if moved.now.absent:
            yield self._write(source, jvm, over.now.length if self._random.random() < 0.5 else 0)
        if moved.mtime and over.is_ambiguous(moved.mtime, moved.inode, moved.now):
            self.avoided["rename over"] += 1
            yield self._write(source, jvm)
        over.becomes(moved.now, moved.mtime, moved.inode)
        over.block = moved.block
        moved.becomes(ABSENT, 0, 0)
        yield self._mutation(Kind.RENAME, target, source)

    def _times(self, number: int, jvm: bool) -> Iterator[list[int]]:
        file, draw = self._files[number], self._random
        if file.times and draw.random() < 0.5:
            mtime = draw.choice(file.times)
            if draw.random() < (0.7 if jvm else 0.02):  # other bytes, that shall look as old as the ones before
                yield self._write(number, jvm, file.now.length)
            if not file.is_ambiguous(mtime, file.inode, file.now):
                file.becomes(file.now, mtime, file.inode)
                yield self._mutation(Kind.TIMES, number, time=mtime)
                return
            self.avoided["equal length and equal time"] += 1
        self._clock += 1
        file.becomes(file.now, _OLD + self._clock, file.inode)
        yield self._mutation(Kind.TIMES, number, time=file.mtime)

    def _mutation(self, kind: Kind, number: int, other: int = -1, time: int = 0) -> list[int]:
        through = int(self._random.random() < 0.5)
        version = len(self._files[number].versions) - 1
        other_version = len(self._files[other].versions) - 1 if other >= 0 else 0
        return [Op.MUTATE, kind, through, number, version, other, other_version, time]

    def _new(self) -> int:
        self._generation += 1
        return self._generation

    def _length(self, before: int) -> int:
        draw = self._random
        if before > 0 and draw.random() < 0.35:
            return before
        if draw.random() < 0.4:
            return max(1, draw.randint(1, 4) * _CACHE_BLOCK + draw.choice([-1, 0, 1]))
        return draw.randint(1, 1 << draw.randint(3, 18)) if draw.random() < 0.5 else draw.randint(1, _LARGEST)

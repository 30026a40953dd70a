"""One open version of one file, read block by block from the cache and, where it misses, from the origin."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar, cast

from hybridfs.audit import Usage
from hybridfs.blocks import Block, CachedBlock, FetchedBlock
from hybridfs.errors import CorruptBlock, FileChanged
from hybridfs.fetching import Fetched, Fetcher, Source
from hybridfs.grants import Unproven
from hybridfs.layout import Identity
from hybridfs.open_blocks import OpenBlocks
from hybridfs.origin.base import Origin, OriginReader
from hybridfs.pinning import PinnedVersion
from hybridfs.readahead import ReadAhead
from hybridfs.stats import Miss, Stats

_T = TypeVar("_T")
_UNKNOWN: Mapping[int, Miss] = MappingProxyType({})

Piece = tuple[int, int, int, int]  # block, offset in it, bytes of it, last block of the whole range


class OriginFile:
    """The origin's side of a stream: a reader that is opened when needed and replaced when it fails.

    A reader must be opened *after* the answer that pinned the version: that, and a status asked for after its data
    that still shows the version, prove that the data is of this version. ``length`` is the stream's. Of a file that is
    being written there is no such proof: its one reader is not ``replaceable``. ``unproven``: the permission to read,
    if it is not known yet to be of this version.
    """

    def __init__(
        self,
        origin: Origin,
        pinned: PinnedVersion,
        length: int,
        reader: OriginReader | None,
        unproven: Unproven | None,
        *,
        replaceable: bool,
    ) -> None:
        self._origin = origin
        self.pinned = pinned
        self._length = length
        self._reader = reader
        self.unproven = unproven
        self._replaceable = replaceable
        self._lock = threading.Lock()

    def reader(self) -> OriginReader:
        with self._lock:
            if self._reader is None:
                try:
                    reader = self._origin.open(self.pinned.path)
                except Exception as error:
                    self.pinned.failed(error)
                    raise
                if 0 <= reader.length < self._length or reader.encrypted not in (None, self.pinned.status.encrypted):
                    changed = FileChanged(self.pinned.path)
                    self.pinned.failed(changed)
                    raise changed
                self._reader = reader
            return self._reader

    def prove(self) -> None:
        """Returns once the permission is known to be of this version; bytes from the cache must wait for that.

        Asks nobody where bytes of the origin have been confirmed since it was given. Raises as ``confirm`` does.
        """
        unproven = self.unproven
        if unproven:
            self.pinned.confirm(unproven.given_at)
            unproven.keep()
            self.unproven = None

    def replace(self) -> bool:
        """Forgets a reader that failed: its locations or its token may be too old. False if it must not be replaced."""
        if self._replaceable:
            self.pinned.confirm(time.monotonic())
            with self._lock:
                self._reader = None
        return self._replaceable


class Stream:
    """Reads one version. Ranges must lie inside ``0 … length``. Raises FileChanged, or what the origin raises."""

    def __init__(
        self,
        identity: Identity,
        file: OriginFile,
        blocks: OpenBlocks,
        fetcher: Fetcher,
        stats: Stats,
        usage: Usage,
        *,
        block_size: int,
        readahead: int,
        admitted: bool,
    ) -> None:
        self.length = identity.length
        self._identity = identity
        self._file = file
        self._validator = file.pinned.status.validator
        self._blocks = blocks
        self._fetcher = fetcher
        self._stats = stats
        self._usage = usage
        self._block_size = block_size
        self._admitted = admitted
        self._ahead = ReadAhead(max(1, readahead // block_size), identity.blocks(block_size))
        self._pending: dict[int, Fetched] = {}
        self._near: tuple[int, Block, str] | None = None
        self._lock = threading.RLock()

    def read(self, offset: int, size: int) -> bytes:
        number, within = divmod(offset, self._block_size)
        if within + size <= self._block_size:
            return self._use((number, within, size, number), _copy)
        pieces = [self._use(piece, _copy) for piece in self._pieces(offset, size)]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def read_into(self, offset: int, target: memoryview) -> None:
        done = 0
        for piece in self._pieces(offset, len(target)):
            self._use(piece, _copy_into(target[done : done + piece[2]]))
            done += piece[2]

    def view(self, offset: int, size: int) -> memoryview:
        """The bytes, without a copy if one block holds them and may be mapped."""
        pieces = list(self._pieces(offset, size))
        if len(pieces) == 1:
            return self._use(pieces[0], lambda block, at, n: block.view(at, n))
        return memoryview(self.read(offset, size))

    def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of (start, end) ranges; what misses is coalesced over all of them and fetched in parallel."""
        wanted = sorted({number for start, end in ranges for number, _, _, _ in self._pieces(start, end - start)})
        fetched = self._fetch([number for number in wanted if not self._blocks.holds(self._identity, number)])
        return [
            b"".join(self._use(piece, _copy, fetched) for piece in self._pieces(start, end - start))
            for start, end in ranges
        ]

    def close(self) -> None:
        """Tells what it read, where that is wanted; it can be read from all the same."""
        self._usage.close()

    def replaced_by(self, other: Stream) -> Stream:
        """The other stream, if it reads the same version; else raises FileChanged."""
        if other._identity != self._identity:
            raise FileChanged(self._file.pinned.path)
        return other

    def _pieces(self, offset: int, size: int) -> Iterator[Piece]:
        last = (offset + size - 1) // self._block_size
        while size > 0:
            number, within = divmod(offset, self._block_size)
            part = min(size, self._block_size - within)
            yield number, within, part, last
            offset, size = offset + part, size - part

    def _use(
        self, piece: Piece, read: Callable[[Block, int, int], _T], fetched: dict[int, Fetched] | None = None
    ) -> _T:
        number, within, size, last = piece
        future = fetched.get(number) if fetched else None
        block, tier = self._result(number, future) if future else self._block(number, last)
        if self._file.unproven:
            self._prove()
        try:
            result = read(block, within, size)
        except CorruptBlock as corrupt:
            self._blocks.discard(self._identity, number, self._validator, cast("CachedBlock", block), corrupt)
            self._near = None
            self._pending.pop(number, None)
            arrived = Fetched(Miss.TIER_OFF if isinstance(corrupt.__cause__, OSError) else Miss.CORRUPT)
            direct = self._direct(number, arrived.reason)
            if fetched and future:  # other ranges want it, too
                arrived.set_result(direct)
                fetched[number] = arrived
            return read(direct, within, size)
        if tier != FetchedBlock.tier:
            self._stats.hit(tier, size)
            self._usage.hit(size)
        return result

    def _block(self, number: int, last: int) -> tuple[Block, str]:
        near = self._near
        if near and near[0] == number:
            return near[1], near[2]
        with self._lock:
            future = self._pending.get(number)
            found = None if future else self._blocks.get(self._identity, number, self._validator)
            why = {number: found} if isinstance(found, Miss) else {}
            window = self._ahead.window(number, last, missed=bool(why))
            if window:
                self._pending |= self._fetch([ahead for ahead in window if ahead == number or self._absent(ahead)], why)
                future = self._pending.get(number)
            if self._pending:
                self._forget_passed(number)
        block, tier = self._result(number, future) if future else cast("tuple[Block, str]", found)
        self._near = (number, block, tier if tier == FetchedBlock.tier else "map")  # it is open from now on
        return block, tier

    def _prove(self) -> None:
        try:
            self._file.prove()
        except FileChanged:
            self._stats.add("version_changed")
            raise

    def _absent(self, number: int) -> bool:
        return number not in self._pending and not self._blocks.holds(self._identity, number)

    def _fetch(self, numbers: list[int], why: Mapping[int, Miss] = _UNKNOWN) -> dict[int, Fetched]:
        return self._fetcher.fetch(self._source(), numbers, why) if numbers else {}

    def _source(self) -> Source:
        try:
            reader = self._file.reader()
        except FileChanged:
            self._stats.add("version_changed")
            raise
        except PermissionError:
            self._stats.miss(Miss.DENIED)
            self._usage.refused()
            raise
        return Source(self._identity, reader, self._file.pinned, self._usage, admitted=self._admitted)

    def _result(self, number: int, future: Fetched) -> tuple[Block, str]:
        try:
            block = future.result()
        except FileChanged:
            raise
        except OSError:
            if not self._file.replace():
                raise
            block = self._direct(number, future.reason)
        return block, block.tier

    def _direct(self, number: int, reason: Miss) -> FetchedBlock:
        return self._fetcher.fetch_one(self._source(), number, reason)

    def _forget_passed(self, number: int) -> None:
        """Lets go of fetched blocks that the reader has left behind or will not come to soon."""
        for other in [other for other in self._pending if not number <= other <= self._ahead.horizon]:
            del self._pending[other]


def _copy(block: Block, offset: int, size: int) -> bytes:
    return block.read(offset, size)


def _copy_into(target: memoryview) -> Callable[[Block, int, int], None]:
    return lambda block, offset, _: block.read_into(offset, target)

"""Blocks as a reader sees them: from a tier, checked chunk by chunk, or fresh from the origin."""

from __future__ import annotations

import contextlib
import mmap
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from cachetools import LRUCache

from hybridfs.errors import CorruptBlock
from hybridfs.trailer import CHUNK, BlockSpec, chunk_sum, parse_trailer, trailer_bytes

_REMEMBERED = 1 << 16
_MARK_SECONDS = 60.0


class Block(Protocol):
    """A source of one block's bytes. Offsets are within the block; the range must lie inside it."""

    tier: str

    def read(self, offset: int, size: int) -> bytes: ...
    def read_into(self, offset: int, target: memoryview) -> None: ...
    def view(self, offset: int, size: int) -> memoryview: ...


class FetchedBlock:
    """A block that this process just fetched."""

    tier = "origin"

    def __init__(self, data: memoryview) -> None:
        self.data = data

    def read(self, offset: int, size: int) -> bytes:
        return bytes(self.data[offset : offset + size])

    def read_into(self, offset: int, target: memoryview) -> None:
        target[:] = self.data[offset : offset + len(target)]

    def view(self, offset: int, size: int) -> memoryview:
        return self.data[offset : offset + size]


class VerifiedChunks:
    """Which chunks of which block files this process has verified: a bit each, kept when the block is closed."""

    def __init__(self) -> None:
        self._bits: LRUCache[tuple[int, ...], int] = LRUCache(_REMEMBERED)
        self._lock = threading.Lock()

    def get(self, key: tuple[int, ...]) -> int:
        with self._lock:
            return self._bits.get(key, 0)

    def put(self, key: tuple[int, ...], bits: int) -> None:
        with self._lock:
            self._bits[key] = bits


class CachedBlock:
    """An open block of a tier. No chunk's bytes are returned before they matched their checksum.

    Methods raise CorruptBlock when they do not, or when the file cannot be read.
    """

    def __init__(
        self, fd: int, spec: BlockSpec, tier: str, directory: str, verified: VerifiedChunks, *, may_map: bool
    ) -> None:
        self._fd = fd  # from here on closed by close()
        self.tier = tier
        self.directory = directory  # of its tier
        self.length = spec.length
        stat = os.fstat(fd)
        self.read_before = stat.st_atime_ns > stat.st_mtime_ns
        self.unread_for = time.time() - max(stat.st_atime, stat.st_mtime)  # seconds
        if stat.st_size != spec.length + trailer_bytes(spec):
            raise CorruptBlock("wrong size")
        self._sums: Sequence[int] = parse_trailer(_pread(fd, stat.st_size - spec.length, spec.length), spec)
        self._key = (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size)
        self._verified = verified
        self._bits = verified.get(self._key)
        self._all = (1 << len(self._sums)) - 1
        self._map: memoryview | None = None
        self.on_map: Callable[[CachedBlock], None] = _nothing
        self._marked_at = time.monotonic()
        self._mine = stat.st_uid == os.geteuid()
        self._mappable = may_map  # not in a shared root: who may write to the file may truncate it under the map

    @property
    def evicted(self) -> bool:
        """Whether it has no name any more: its space is free once it is closed. Also if that cannot be told."""
        try:
            return os.fstat(self._fd).st_nlink == 0
        except OSError:
            return True

    def mark_read(self, *, at_once: bool = False) -> None:
        """Sets the access time, the evictor's re-use bit, where reading does not: through a map, on a noatime mount.

        At most once a minute, and only by the block's owner.
        """
        now = time.monotonic()
        if self._mine and (at_once or now >= self._marked_at + _MARK_SECONDS):
            self._marked_at = now
            with contextlib.suppress(OSError):
                modified = os.fstat(self._fd).st_mtime_ns
                os.utime(self._fd, ns=(max(modified + 1, time.time_ns()), modified))

    def read(self, offset: int, size: int) -> bytes:
        if self._bits == self._all:
            return _pread(self._fd, size, offset)
        return self._checked(offset, size)

    def read_into(self, offset: int, target: memoryview) -> None:
        end = offset + len(target)
        if self._bits == self._all or not self._unverified(offset, end):
            _pread_into(self._fd, target, offset)
        elif offset % CHUNK or (end % CHUNK and end != self.length):
            target[:] = self._span(offset, end)
        else:  # whole chunks are checked where they are wanted
            _pread_into(self._fd, target, offset)
            self._check_all(offset, target)

    def view(self, offset: int, size: int) -> memoryview:
        """The bytes without a copy where the block may be mapped."""
        data = self._mapped() if self._mappable else None
        if data is None:
            target = bytearray(size)
            self.read_into(offset, memoryview(target))
            return memoryview(target).toreadonly()
        if self._bits != self._all:
            self._verify(offset, offset + size)
        self.on_map(self)
        return data[offset : offset + size]

    def unmap(self) -> None:
        """Lets go of the map; it lives on while somebody holds a view of it."""
        self._map = None

    def data(self) -> bytes:
        """All of the block's data, checked."""
        return self._checked(0, self.length)

    def content(self) -> list[bytes | memoryview]:
        """Data, checked, and trailer as they are on the disk. Raises CorruptBlock."""
        return [self.data(), _pread(self._fd, self._key[-1] - self.length, self.length)]

    def close(self) -> None:
        """Closes the descriptor; maps live on while somebody holds a view of them."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        self.close()

    def _mapped(self) -> memoryview | None:
        """The map; None where no address space is left, as under RLIMIT_AS."""
        data = self._map
        if data is None:
            try:
                data = self._map = memoryview(mmap.mmap(self._fd, self.length, prot=mmap.PROT_READ))
            except (OSError, ValueError):
                self._mappable = False
        return data

    def _checked(self, offset: int, size: int) -> bytes:
        if not self._unverified(offset, offset + size):
            return _pread(self._fd, size, offset)
        return self._span(offset, offset + size)

    def _verify(self, offset: int, end: int) -> None:
        if self._unverified(offset, end):
            self._span(offset, end)

    def _span(self, offset: int, end: int) -> bytes:
        """The bytes, out of the whole chunks that hold them, which are read at once and checked."""
        low, high = offset // CHUNK * CHUNK, min(-(-end // CHUNK) * CHUNK, self.length)
        data = _pread(self._fd, high - low, low)
        self._check_all(low, memoryview(data))
        return data if (low, high) == (offset, end) else data[offset - low : end - low]

    def _check_all(self, low: int, data: memoryview) -> None:
        """Checks whole chunks that were read from ``low``."""
        for chunk in self._unverified(low, low + len(data)):
            self._check(chunk, data[chunk * CHUNK - low :][:CHUNK])
        self._verified.put(self._key, self._bits)

    def _unverified(self, offset: int, end: int) -> list[int]:
        return [chunk for chunk in range(offset // CHUNK, -(-end // CHUNK)) if not self._bits >> chunk & 1]

    def _check(self, chunk: int, data: bytes | memoryview) -> None:
        if chunk_sum(data) != self._sums[chunk]:
            raise CorruptBlock("a chunk fails its checksum")
        self._bits |= 1 << chunk


def _nothing(_: CachedBlock) -> None:
    return


def _pread(fd: int, size: int, offset: int) -> bytes:
    try:
        data = os.pread(fd, size, offset)
    except OSError as error:
        raise CorruptBlock(f"unreadable: {error}", "tier_faults", unlink=False) from error
    if len(data) != size:
        raise CorruptBlock("shorter than it was")
    return data


def _pread_into(fd: int, target: memoryview, offset: int) -> None:
    try:
        size = os.preadv(fd, [target], offset)
    except OSError as error:
        raise CorruptBlock(f"unreadable: {error}", "tier_faults", unlink=False) from error
    if size != len(target):
        raise CorruptBlock("shorter than it was")

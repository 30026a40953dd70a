"""Bytes that say where they belong: each 8 of them name the writing that made them and their place in the file.

A version of a file is a list of segments ``[start, generation]`` and a length: an append adds a segment, a truncate
cuts them, a rename takes them along. So whoever reads knows without asking whether bytes are of a version, of an older
one, or of two at once. `TortureWorker.java` has the same function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

_ODD, _ODD_TOO = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
_INVERSE, _INVERSE_TOO = pow(_ODD, -1, 1 << 64), pow(_ODD_TOO, -1, 1 << 64)
_MASK = (1 << 64) - 1
WORD = 8


def _written(generation: int, start: int, end: int) -> bytes:
    """The bytes ``start … end`` of a file that was written wholly by one writing."""
    first, last = start // WORD, (end + WORD - 1) // WORD
    words = np.arange(first, last, dtype=np.uint64)
    words |= np.uint64(generation << 32)
    words *= np.uint64(_ODD)
    words ^= words >> np.uint64(32)
    words *= np.uint64(_ODD_TOO)
    words ^= words >> np.uint64(32)
    return words.astype("<u8", copy=False).tobytes()[start - first * WORD : end - first * WORD]


def origin_of(word: bytes) -> tuple[int, int]:
    """The generation that wrote these 8 bytes, and the offset in its file; nonsense for bytes nobody wrote."""
    x = int.from_bytes(word, "little")
    x ^= x >> 32
    x = x * _INVERSE_TOO & _MASK
    x ^= x >> 32
    x = x * _INVERSE & _MASK
    return x >> 32, (x & 0xFFFFFFFF) * WORD


@dataclass(frozen=True)
class Version:
    """What a file holds from one mutation to the next; length -1: there is no file."""

    length: int
    segments: tuple[tuple[int, int], ...] = ()

    @property
    def absent(self) -> bool:
        return self.length < 0

    def packed(self) -> list[int]:
        """Length, then start and generation of each segment, for a message."""
        return [self.length, *(number for segment in self.segments for number in segment)]

    @staticmethod
    def unpacked(numbers: Sequence[int]) -> Version:
        return Version(numbers[0], tuple(zip(numbers[1::2], numbers[2::2], strict=True)))

    def appended(self, size: int, generation: int) -> Version:
        return Version(self.length + size, (*self.segments, (self.length, generation)))

    def truncated(self, length: int) -> Version:
        return Version(length, tuple(segment for segment in self.segments if segment[0] < length))

    def bytes_at(self, offset: int, size: int) -> bytes:
        """Its bytes ``offset … offset + size``, which must lie within it."""
        return b"".join(_written(*piece) for piece in self._pieces(offset, size))

    def _pieces(self, offset: int, size: int) -> Iterator[tuple[int, int, int]]:
        ends = [*(start for start, _ in self.segments[1:]), self.length][: len(self.segments)]
        for (start, generation), end in zip(self.segments, ends, strict=True):
            low, high = max(start, offset), min(end, offset + size)
            if low < high:
                yield generation, low, high

    def holds(self, offset: int, data: bytes) -> bool:
        """Whether these are its bytes there."""
        return offset + len(data) <= self.length and self.bytes_at(offset, len(data)) == data


ABSENT = Version(-1)


def describe(versions: Sequence[Version], offset: int, data: bytes) -> str:
    """What bytes that are of no version that a reader may see are: of an older one, of several, or nobody's."""
    whole = [number for number, version in enumerate(versions) if not version.absent and version.holds(offset, data)]
    if whole:
        return f"bytes of version {whole}"
    known = {generation for version in versions for _, generation in version.segments}
    skip = -offset % WORD
    found: dict[str, int] = {}
    for at in range(skip, len(data) - WORD + 1, WORD):
        generation, place = origin_of(data[at : at + WORD])
        if place == offset + at and generation in known:
            told = f"generation {generation}"
        elif not any(data[at : at + WORD]):
            told = "zeros"
        elif place == offset + at:
            told = "another file"
        else:
            told = f"place {place - offset - at:+d}" if generation in known else "nobody"
        found[told] = found.get(told, 0) + WORD
    return "mixed: " + ", ".join(f"{size} bytes of {told}" for told, size in list(found.items())[:8])

"""What an entry holds: a directory's listing as one user got it, to the byte (FORMAT.md section 10)."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from hybridfs.errors import CorruptBlock

FORM = 1
UNKNOWN = (1 << 32) - 1  # number of children
_NONE = (1 << 16) - 1
_COMPLETE, _OWN, _ABSENT = 1, 2, 4
_HEAD = struct.Struct("<BB16sQQI")
_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_RECORD = struct.Struct("<BBHQQQQQHBIHHH")


class Record(NamedTuple):
    """A file or directory as its parent's listing shows it. Times in milliseconds since the epoch, sizes in bytes.

    What a client does not show is 0, None, or UNKNOWN: hdfs-native shows no flags, fileId, policies and numbers.
    """

    name: str
    directory: bool
    permission: int
    owner: str
    group: str
    length: int = 0
    modified: int = 0
    accessed: int = 0
    block_size: int = 0
    replication: int = 0
    flags: int = 0
    file_id: int = 0
    storage_policy: int = 0
    children: int = UNKNOWN
    erasure_coding: str | None = None


class Moment(NamedTuple):
    """By both clocks of one boot of the host: nanoseconds of CLOCK_MONOTONIC, milliseconds since the epoch."""

    boot: bytes
    ticks: int
    wall: int

    @staticmethod
    def now() -> Moment:
        return Moment(boot_id(), time.monotonic_ns(), time.time_ns() // 1_000_000)

    def age(self) -> float | None:
        """Seconds, the greater by the two clocks; None of another boot, or of the future by one of them."""
        now = Moment.now()
        ages = (now.ticks - self.ticks) / 1e9, (now.wall - self.wall) / 1e3
        return max(ages) if self.boot == now.boot and min(ages) >= 0 else None


class Listing(NamedTuple):
    """The children of a directory, in the NameNode's order; ``own``: its own record, of before."""

    children: tuple[Record, ...]
    asked: Moment
    pages: int = 1
    own: Record | None = None
    complete: bool = False
    absent: bool = False

    @property
    def is_leaf(self) -> bool:
        return not any(child.directory for child in self.children)

    def named(self, name: str) -> Record | None:
        return next((child for child in self.children if child.name == name), None)


@lru_cache(maxsize=1)
def boot_id() -> bytes:
    """Of this boot of the host; where nothing tells it, one that only this process knows."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return UUID(file.read().strip()).bytes
    except (OSError, ValueError):
        return os.urandom(16)


def encode(listing: Listing) -> bytes:
    """The data of an entry. Raises ValueError or struct.error where it cannot be written so."""
    texts = _Texts()
    records = [_encoded(child, texts) for child in listing.children]
    own = b"" if listing.own is None else _encoded(listing.own._replace(name=""), texts)
    bits = _COMPLETE * listing.complete | _OWN * (listing.own is not None) | _ABSENT * listing.absent
    head = _HEAD.pack(FORM, bits, *listing.asked, listing.pages)
    return b"".join([head, texts.encoded, own, _U32.pack(len(records)), *records])


class _Texts:
    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        number = self._numbers.setdefault(text, len(self._numbers))
        if number >= _NONE:
            raise ValueError("too many owners and groups")
        return number

    @property
    def encoded(self) -> bytes:
        return _U16.pack(len(self._numbers)) + b"".join(map(_text, self._numbers))


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _U16.pack(len(encoded)) + encoded


def _encoded(record: Record, texts: _Texts) -> bytes:
    return _text(record.name) + _RECORD.pack(
        record.directory,
        record.flags,
        record.permission,
        record.file_id,
        record.length,
        record.modified,
        record.accessed,
        record.block_size,
        record.replication,
        record.storage_policy,
        record.children,
        texts.number(record.owner),
        texts.number(record.group),
        _NONE if record.erasure_coding is None else texts.number(record.erasure_coding),
    )


def decode(data: bytes | memoryview) -> Listing:
    """The listing in the data of an entry. Raises CorruptBlock where it is of another form."""
    try:
        return _Reader(data).listing()
    except (struct.error, ValueError, IndexError) as error:
        raise CorruptBlock(f"no listing: {error}") from None


@dataclass
class _Reader:
    data: bytes | memoryview
    at: int = 0

    def listing(self) -> Listing:
        form, bits, boot, ticks, wall, pages = self.fields(_HEAD)
        if form != FORM or bits >= 8:
            raise ValueError(f"form {form}, bits {bits}")
        texts = [self.text() for _ in range(*self.fields(_U16))]
        own = self.record(texts) if bits & _OWN else None
        children = tuple(self.records(texts))
        absent = bool(bits & _ABSENT)
        if self.at != len(self.data) or (absent and (own or children)) or (own and own.name):
            raise ValueError("something else than it says")
        return Listing(children, Moment(boot, ticks, wall), pages, own, bool(bits & _COMPLETE), absent)

    def records(self, texts: list[str]) -> Iterator[Record]:
        for _ in range(*self.fields(_U32)):
            yield self.record(texts)

    def record(self, texts: list[str]) -> Record:
        name = self.text()
        kind, flags, permission, file_id, length, modified, accessed, block_size, *rest = self.fields(_RECORD)
        replication, policy, children, owner, group, coding = rest
        if kind > 1:
            raise ValueError(f"kind {kind}")
        return Record(
            name,
            kind == 1,
            permission,
            texts[owner],
            texts[group],
            length,
            modified,
            accessed,
            block_size,
            replication,
            flags,
            file_id,
            policy,
            children,
            None if coding == _NONE else texts[coding],
        )

    def fields(self, layout: struct.Struct) -> tuple[Any, ...]:
        values = layout.unpack_from(self.data, self.at)
        self.at += layout.size
        return values

    def text(self) -> str:
        (size,) = self.fields(_U16)
        end = self.at + size
        if end > len(self.data):
            raise ValueError("a text ends after the data")
        text = str(self.data[self.at : end], "utf-8")
        self.at = end
        return text

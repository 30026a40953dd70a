"""The trailer of a block: writing, parsing, and the checksums of its chunks (FORMAT.md sections 4 and 10)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from xxhash import xxh64_intdigest

from hybridfs.errors import CorruptBlock
from hybridfs.validator import agree

CHUNK = 1 << 16
VERSION = 1
XXH64 = 1
MAGIC = b"HYBRIDFS"
FOOTER_BYTES = 48
_FIELDS = struct.Struct("<QQIIIHH")  # validator, block number, n, k, block size, algorithm, version
_SEAL = struct.Struct("<Q8s")


@dataclass(frozen=True)
class BlockSpec:
    """What a reader knows of a block before it opens it. ``length`` in bytes; ``validator`` 0 = unknown."""

    identity: bytes
    number: int
    length: int
    block_size: int
    validator: int = 0


def trailer_bytes(spec: BlockSpec) -> int:
    return 8 * -(-spec.length // CHUNK) + len(spec.identity) + FOOTER_BYTES


def chunk_sum(chunk: bytes | memoryview) -> int:
    return xxh64_intdigest(chunk)


def make_trailer(spec: BlockSpec, data: memoryview) -> bytes:
    """The trailer for ``data``, whose length must be ``spec.length``."""
    sums = [chunk_sum(data[at : at + CHUNK]) for at in range(0, spec.length, CHUNK)]
    fields = _FIELDS.pack(spec.validator, spec.number, spec.length, len(spec.identity), spec.block_size, XXH64, VERSION)
    body = struct.pack(f"<{len(sums)}Q", *sums) + spec.identity + fields
    return body + _SEAL.pack(xxh64_intdigest(body), MAGIC)


def parse_trailer(raw: bytes, spec: BlockSpec) -> Sequence[int]:
    """The chunk checksums of the trailer of the block that ``spec`` describes.

    Raises CorruptBlock if ``raw`` is anything but that block's trailer.
    """
    body = _unsealed(raw)
    footer = _footer(body)
    expected = (spec.number, spec.length, spec.block_size)
    if (footer.number, footer.length, footer.block_size) != expected:
        raise CorruptBlock("fields of another block")
    sums_end = 8 * -(-footer.length // CHUNK)
    if len(body) != sums_end + footer.identity_length + _FIELDS.size:
        raise CorruptBlock("wrong size")
    if body[sums_end : sums_end + footer.identity_length] != spec.identity:
        raise CorruptBlock("another identity", unlink=False)
    if not agree(footer.validator, spec.validator):
        raise CorruptBlock("another file of the same name", "version_changed")
    return struct.unpack_from(f"<{sums_end // 8}Q", body)


def checked_data(content: bytes, identity: bytes, number: int, most: int) -> memoryview:
    """The data of a whole file that says itself how much it holds, at most ``most`` bytes (FORMAT.md section 10).

    Raises CorruptBlock if ``content`` is anything but such a file, of that identity and number, to the last byte.
    """
    if len(content) < FOOTER_BYTES:
        raise CorruptBlock("too short")
    length = _footer(content[-FOOTER_BYTES : -_SEAL.size]).length
    if not 1 <= length <= min(most, len(content)):
        raise CorruptBlock("wrong size")
    data = memoryview(content)[:length]
    sums = parse_trailer(content[length:], BlockSpec(identity, number, length, 0))
    if any(chunk_sum(data[at * CHUNK :][:CHUNK]) != found for at, found in enumerate(sums)):
        raise CorruptBlock("a chunk fails its checksum")
    return data


def is_entry(content: bytes) -> bool:
    """Whether a whole file is of a listing (FORMAT.md section 10), not of a block, as its trailer says."""
    footer = content[-FOOTER_BYTES : -_SEAL.size]
    return len(footer) == _FIELDS.size and _Footer(*_FIELDS.unpack(footer)[:-2]).block_size == 0


class _Footer(NamedTuple):
    validator: int
    number: int
    length: int
    identity_length: int
    block_size: int


def _unsealed(raw: bytes) -> bytes:
    """A trailer without its seal, which it bears out."""
    if len(raw) < FOOTER_BYTES:
        raise CorruptBlock("too short")
    seal, magic = _SEAL.unpack_from(raw, len(raw) - _SEAL.size)
    body = raw[: -_SEAL.size]
    if magic != MAGIC or xxh64_intdigest(body) != seal:
        raise CorruptBlock("no valid trailer")
    return body


def _footer(body: bytes) -> _Footer:
    *fields, algorithm, version = _FIELDS.unpack_from(body, len(body) - _FIELDS.size)
    if (algorithm, version) != (XXH64, VERSION):
        raise CorruptBlock("of another version")
    return _Footer(*fields)

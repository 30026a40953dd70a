"""The trailer of a block: writing, parsing, and the checksums of its chunks (FORMAT.md section 4)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

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
    if len(raw) < FOOTER_BYTES:
        raise CorruptBlock("too short")
    seal, magic = _SEAL.unpack_from(raw, len(raw) - _SEAL.size)
    body = raw[: -_SEAL.size]
    if magic != MAGIC or xxh64_intdigest(body) != seal:
        raise CorruptBlock("no valid trailer")
    validator, number, length, k, block_size, algorithm, version = _FIELDS.unpack_from(body, len(body) - _FIELDS.size)
    expected = (spec.number, spec.length, spec.block_size, XXH64, VERSION)
    if (number, length, block_size, algorithm, version) != expected:
        raise CorruptBlock("fields of another block or version")
    sums_end = 8 * -(-length // CHUNK)
    if len(body) != sums_end + k + _FIELDS.size:
        raise CorruptBlock("wrong size")
    if body[sums_end : sums_end + k] != spec.identity:
        raise CorruptBlock("another identity", unlink=False)
    if not agree(validator, spec.validator):
        raise CorruptBlock("another file of the same name", "version_changed")
    return struct.unpack_from(f"<{sums_end // 8}Q", body)

"""Mutants of blocks (FORMAT.md section 4): damaged, forged, misplaced, and a few that are as good as new."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from xxhash import xxh64_intdigest

from hybridfs.layout import Identity
from hybridfs.trailer import CHUNK, BlockSpec, make_trailer

MAGIC_BYTES, SEAL_BYTES, FOOTER = 8, 16, 48
# Of the footer: where from the end, and how it is packed.
FIELDS = {
    "validator": (48, "<Q"),
    "number": (40, "<Q"),
    "n": (32, "<I"),
    "k": (28, "<I"),
    "block size": (24, "<I"),
    "algorithm": (20, "<H"),
    "version": (18, "<H"),
}
_EDGES = (0, 1, 2, 3, 47, 48, 127, 255, 256, 32_767, 65_535, 65_536, 65_537, 131_072, 2**20, 2**24, 2**31 - 1, 2**31)
_LIMITS = (2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1)


@dataclass(frozen=True)
class Seed:
    """A valid block: its place and its data."""

    identity: Identity
    number: int
    block_size: int
    validator: int
    data: bytes

    @cached_property
    def content(self) -> bytes:
        return self.data + make_trailer(self.spec, memoryview(self.data))

    @property
    def spec(self) -> BlockSpec:
        return BlockSpec(self.identity.encoded, self.number, len(self.data), self.block_size, self.validator)

    @property
    def regions(self) -> dict[str, tuple[int, int]]:
        """Where its parts begin and end."""
        end, n = len(self.content), len(self.data)
        sums = n + 8 * -(-n // CHUNK)
        parts = {"data": (0, n), "sums": (n, sums), "identity": (sums, end - FOOTER)}
        for name, (back, packed) in FIELDS.items():
            parts[name] = (end - back, end - back + struct.calcsize(packed))
        return parts | {"seal": (end - SEAL_BYTES, end - MAGIC_BYTES), "magic": (end - MAGIC_BYTES, end)}


@dataclass(frozen=True)
class Mutant:
    """A file in the place of ``seed``'s block. ``special``: something that is no file, and then there is no content."""

    kind: str
    seed: Seed
    content: bytes
    special: str = ""

    def is_sound_for(self, validator: int) -> bool:
        """Whether a reader that knows this validator (0: none) is to accept it: but for that it is the block."""
        if self.special or len(self.content) != len(self.seed.content):
            return False
        (written,) = struct.unpack_from("<Q", self.content, len(self.content) - FOOTER)
        same = self.content == replace(self.seed, validator=written).content
        return same and _may_be_one(written, validator)


def _may_be_one(one: int, other: int) -> bool:
    ids, owners = (one % 2**40, other % 2**40), (one >> 40, other >> 40)
    return ids[0] == ids[1] if all(ids) else not all(owners) or owners[0] == owners[1]


def sealed(content: bytes, n: int) -> bytes:
    """With a checksum of the trailer that fits, and the magic: what somebody else's code could have written."""
    if len(content) < n + SEAL_BYTES:
        return content
    return content[:-SEAL_BYTES] + struct.pack("<Q", xxh64_intdigest(content[n:-SEAL_BYTES])) + b"HYBRIDFS"


def with_field(content: bytes, field: str, value: int) -> bytes:
    mutant = bytearray(content)
    back, packed = FIELDS[field]
    struct.pack_into(packed, mutant, len(mutant) - back, value % (1 << 8 * struct.calcsize(packed)))
    return bytes(mutant)


Make = Callable[[random.Random, Seed, Sequence[Seed]], bytes]


def _same(chance: random.Random, seed: Seed, pool: Sequence[Seed]) -> bytes:
    return seed.content


def _flip(chance: random.Random, seed: Seed, pool: Sequence[Seed]) -> bytes:
    mutant = bytearray(seed.content)
    low, high = chance.choice(list(seed.regions.values()))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 16))):
        at = chance.randrange(low, high)
        mutant[at] ^= 1 << chance.randrange(8)
    return bytes(mutant)


def _near(chance: random.Random, seed: Seed) -> int:
    """An offset where something begins or ends, or any."""
    edges = [edge for part in seed.regions.values() for edge in part] + list(range(0, len(seed.content), CHUNK))
    at = chance.choice(edges) + chance.randint(-2, 2) if chance.random() < 0.7 else chance.randrange(len(seed.content))
    return min(max(0, at), len(seed.content))


def _cut(chance: random.Random, seed: Seed, pool: Sequence[Seed]) -> bytes:
    at, to = sorted((_near(chance, seed), _near(chance, seed)))
    content = seed.content
    return chance.choice((content[:at], content[at:], content[:at] + content[to:]))


def _grow(chance: random.Random, seed: Seed, pool: Sequence[Seed]) -> bytes:
    size = chance.choice((1, 2, 8, 48, 4096, CHUNK, chance.randrange(1, 10_000)))
    more = chance.choice((bytes(size), chance.randbytes(size), seed.content[-size:], chance.choice(pool).content))
    at = chance.choice((0, len(seed.content), _near(chance, seed)))
    return seed.content[:at] + more + seed.content[at:]


def _zeros(chance: random.Random, seed: Seed, pool: Sequence[Seed]) -> bytes:
    """Pages that a power cut lost."""
    size = chance.choice((512, 4096, CHUNK, len(seed.content)))
    at = chance.randrange(0, len(seed.content), size)
    mutant = bytearray(seed.content)
    until = min(at + size * chance.choice((1, 1, 4, 1000)), len(mutant))
    mutant[at:until] = bytes(until - at)
    return bytes(mutant)


def _swap(chance: random.Random, seed: Seed, pool: Sequence[Seed]) -> bytes:
    """A sound block of another file, version, number or block size; most often one that resembles this."""
    alike = [other for other in pool if len(other.data) == len(seed.data) and other is not seed]
    return chance.choice(alike if alike and chance.random() < 0.8 else pool).content


def _splice(chance: random.Random, seed: Seed, pool: Sequence[Seed]) -> bytes:
    other = chance.choice(pool)
    data, trailer = seed.data, seed.content[len(seed.data) :]
    chunks = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
    foreign = other.data[: len(data)].ljust(len(data), b"\0")
    way = chance.randrange(5)
    if way == 0:
        return foreign + trailer
    if way == 1:
        return data + other.content[len(other.data) :]
    if way == 2:  # a chunk of another block
        at = chance.randrange(len(chunks)) * CHUNK
        return data[:at] + foreign[at : at + CHUNK] + data[at + CHUNK :] + trailer
    if way == 3:
        chance.shuffle(chunks)
        return b"".join(chunks) + trailer
    rotated = chance.randrange(len(data))
    return data[rotated:] + data[:rotated] + trailer


def _field(chance: random.Random, seed: Seed, pool: Sequence[Seed]) -> bytes:
    """Fields of another value under a checksum that fits."""
    mutant = seed.content
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        field = chance.choice(list(FIELDS))
        back, packed = FIELDS[field]
        (now,) = struct.unpack_from(packed, mutant, len(mutant) - back)
        value = chance.choice((now - 1, now + 1, now ^ 1 << chance.randrange(64), *_EDGES, *_LIMITS))
        mutant = with_field(mutant, field, value)
    return sealed(mutant, len(seed.data)) if chance.random() < 0.9 else mutant


def _validator(chance: random.Random, seed: Seed, pool: Sequence[Seed]) -> bytes:
    value = chance.choice(
        (0, 0, seed.validator + 1, seed.validator ^ 1 << 50, chance.getrandbits(64), 2**63, 2**64 - 1)
    )
    return sealed(with_field(seed.content, "validator", value), len(seed.data))


def _sums(chance: random.Random, seed: Seed, pool: Sequence[Seed]) -> bytes:
    """Other checksums of chunks under a checksum of the trailer that fits."""
    low, high = seed.regions["sums"]
    mutant = bytearray(seed.content)
    at = chance.randrange(low, high, 8)
    start = (at - low) // 8 * CHUNK
    chunk = seed.data[start : start + CHUNK]
    value = chance.choice(
        (
            0,
            chance.getrandbits(64),
            xxh64_intdigest(chunk, 1),
            xxh64_intdigest(chunk[:-1]),
            xxh64_intdigest(chunk + b"\0"),
        )
    )
    struct.pack_into("<Q", mutant, at, value)
    return sealed(bytes(mutant), low)


def _torn(chance: random.Random, seed: Seed, pool: Sequence[Seed]) -> bytes:
    """Wrong data under a sound trailer."""
    low = chance.randrange(len(seed.data))
    high = min(len(seed.data), low + chance.choice((1, 64, 4096, CHUNK)))
    return seed.content[:low] + chance.randbytes(high - low) + seed.content[high:]


def _identity(chance: random.Random, seed: Seed, pool: Sequence[Seed]) -> bytes:
    """A sound block, with other bytes, of a file whose name is one like it."""
    domain, uri, token, length = seed.identity.encoded.split(b"\n")
    other = [domain, uri, token, length]
    part = chance.randrange(4)
    text = bytearray(other[part])
    at = chance.randrange(len(text))
    way = chance.randrange(4)
    if way == 0:
        text[at] ^= 1 << chance.randrange(8)
    elif way == 1:
        del text[at]
    elif way == 2:
        text[at:at] = chance.choice((b"x", b"\n", b"\0", b"/", b"\xff", b"0"))
    else:
        text *= chance.choice((2, 3, 3000))
    other[part] = bytes(text)
    encoded = b"\n".join(other)[:70_000]
    data = chance.randbytes(len(seed.data))
    if not encoded or encoded == seed.identity.encoded:
        return seed.content
    return data + make_trailer(replace(seed.spec, identity=encoded), memoryview(data))


def _consistent(chance: random.Random, seed: Seed, pool: Sequence[Seed]) -> bytes:
    """Sound in itself, but of another length, number or block size."""
    spec, data = seed.spec, seed.data
    way = chance.randrange(3)
    if way == 0:
        data = chance.choice((data[:-1], data + b"\0", data[:-CHUNK], data + bytes(CHUNK))) or data * 2
        spec = replace(spec, length=len(data))
    elif way == 1:
        spec = replace(spec, number=chance.choice((spec.number + 1, spec.number ^ 1, 2**32 + spec.number, 2**63)))
    else:
        spec = replace(spec, block_size=chance.choice((spec.block_size * 2, spec.block_size // 2, 1 << 16, 1 << 24)))
    return data + make_trailer(spec, memoryview(data))


def _later(chance: random.Random, seed: Seed, pool: Sequence[Seed]) -> bytes:
    """Another version or another algorithm, with what a later format might add."""
    mutant = seed.content
    if chance.random() < 0.5:
        mutant = with_field(mutant, "version", chance.choice((0, 2, 3, 256, 65_535)))
    else:
        mutant = with_field(mutant, "algorithm", chance.choice((0, 2, 3, 257, 65_535)))
    added = chance.choice((0, 0, 4, 8, 16, 64))
    at = len(mutant) - chance.choice((FOOTER, SEAL_BYTES, 0))
    return sealed(mutant[:at] + chance.randbytes(added) + mutant[at:], len(seed.data))


def _nothing(chance: random.Random, seed: Seed, pool: Sequence[Seed]) -> bytes:
    size = chance.choice((0, 1, 8, 47, 48, 49, len(seed.content), len(seed.content)))
    return chance.choice((bytes(size), chance.randbytes(size), chance.randbytes(size)[:-8] + b"HYBRIDFS"))


_KINDS: dict[str, tuple[Make, int]] = {
    "as written": (_same, 4),
    "bits": (_flip, 22),
    "cut": (_cut, 10),
    "longer": (_grow, 8),
    "pages of zeros": (_zeros, 6),
    "another block": (_swap, 8),
    "spliced": (_splice, 10),
    "fields, sealed": (_field, 14),
    "validator, sealed": (_validator, 3),
    "sums, sealed": (_sums, 8),
    "wrong data": (_torn, 6),
    "another identity": (_identity, 8),
    "sound, of another place": (_consistent, 6),
    "later versions": (_later, 6),
    "nothing like a block": (_nothing, 3),
}
SPECIALS = ("directory", "full directory", "fifo", "socket", "dangling link", "link to the block", "link to itself")
KINDS = (*_KINDS, *SPECIALS)


def mutant(chance: random.Random, pool: Sequence[Seed]) -> Mutant:
    """A file in a block's place; a few are whole, so that who refuses everything is found out."""
    small = [seed for seed in pool if len(seed.data) <= 2 * CHUNK]
    seed = chance.choice(pool if chance.random() < 0.25 else small)
    (kind,) = chance.choices(list(_KINDS), [weight for _, weight in _KINDS.values()])
    return Mutant(kind, seed, _KINDS[kind][0](chance, seed, pool))


def special(chance: random.Random, pool: Sequence[Seed]) -> Mutant:
    """Something that is no plain file."""
    kind = chance.choice(SPECIALS)
    return Mutant(kind, chance.choice(pool), b"", kind)

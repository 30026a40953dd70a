"""Names of cached file versions and of their blocks (FORMAT.md sections 2, 3 and 6)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache

REGION_BYTES = 1 << 27
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_FLIGHTS_AT = 1 << 32
_FLIGHTS = 1 << 60


def clean(path: str) -> str:
    """A path of HDFS without repeated and trailing slashes."""
    return "/" + "/".join(part for part in path.split("/") if part)


def domain_name(raw: str) -> str:
    """A domain as a file name: bytes outside ``A–Z a–z 0–9 . _ -`` are escaped, long names are cut and hashed."""
    name = "".join(chr(byte) if byte in _SAFE else f"%{byte:02X}" for byte in raw.encode())
    if len(name) <= 100:
        return name
    return f"{name[:60]}-{hashlib.sha256(name.encode()).hexdigest()[:32]}"


@dataclass(frozen=True)
class Identity:
    """One version of one file, as one domain shares it."""

    domain: str
    uri: str
    token: str
    length: int

    @cached_property
    def encoded(self) -> bytes:
        text = f"{self.domain}\n{self.uri}\n{self.token}\n{self.length}"
        return text.encode(errors="surrogateescape")  # a local file's name need not be UTF-8

    def blocks(self, block_size: int) -> int:
        """How many blocks the file has."""
        return -(-self.length // block_size)

    def block_length(self, block: int, block_size: int) -> int:
        """How many bytes of data the block holds."""
        return min(block_size, self.length - block * block_size)


@lru_cache(maxsize=4096)
def region_name(identity: bytes, region: int) -> str:
    """The 32 hex digits that name a region of an identity."""
    return hashlib.sha256(b"%b\n%d" % (identity, region)).hexdigest()[:32]


def block_name(identity: Identity, block: int, block_size: int) -> str:
    return region_name(identity.encoded, block * block_size // REGION_BYTES)


def block_path(identity: Identity, block: int, block_size: int) -> str:
    """The block's path below a tier."""
    name = block_name(identity, block, block_size)
    return f"v1/{identity.domain}/{name[:2]}/{name}/{block}"


def flight_offset(identity: Identity, block: int, block_size: int) -> int:
    """The byte of the lock file that whoever fetches this block holds."""
    name = block_name(identity, block, block_size)
    return _FLIGHTS_AT + (int(name[:15], 16) + block) % _FLIGHTS

"""What tells two files of one name, time and length apart, as far as somebody knows it (FORMAT.md section 4)."""

from __future__ import annotations

from xxhash import xxh64_intdigest

_ID_BITS = 40
_ID = (1 << _ID_BITS) - 1
_OWNER = (1 << 24) - 1


def file_validator(file_id: int, owner: str) -> int:
    """Of a file with that fileId (0: unknown) and owner (empty: unknown). 0 if neither is known."""
    hashed = (xxh64_intdigest(owner.encode("utf-8", "surrogateescape")) & _OWNER or 1) if owner else 0
    return hashed << _ID_BITS | file_id & _ID


def agree(one: int, other: int) -> bool:
    """Whether two validators may be of one file: fileIds decide, and only where one is unknown the owners."""
    if one & _ID and other & _ID:
        return one & _ID == other & _ID
    owners = {owner for owner in (one >> _ID_BITS, other >> _ID_BITS) if owner}
    return len(owners) < 2

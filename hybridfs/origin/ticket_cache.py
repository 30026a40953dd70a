"""Whose tickets a Kerberos cache holds, told without a Kerberos library."""

from __future__ import annotations

import os
import struct
from functools import lru_cache

from hybridfs.publishing import read_whole


def principal() -> str | None:
    """The default principal, such as ``alice@CLOUD``, of the cache that KRB5CCNAME names, else of where MIT has it.

    None where there is no cache of kind FILE to be read.
    """
    name = os.environ.get("KRB5CCNAME") or f"/tmp/krb5cc_{os.geteuid()}"
    kind, colon, rest = name.partition(":")
    path = rest if colon and kind == "FILE" else name
    try:
        found = os.stat(path)
        return _read(path, found.st_ino, found.st_mtime_ns, found.st_size)
    except (OSError, struct.error, UnicodeDecodeError):
        return None


@lru_cache(maxsize=16)
def _read(path: str, *_version: int) -> str | None:
    return _principal(read_whole(path))


def _principal(content: bytes) -> str | None:
    """Version 4 of the format: a header, then the type of the name, the number of its parts, the realm, the parts."""
    if content[:2] != b"\x05\x04":
        return None
    (header,) = struct.unpack_from(">H", content, 2)
    at = 4 + header
    _, count = struct.unpack_from(">II", content, at)
    at += 8
    texts = []
    for _ in range(1 + min(count, 8)):
        (size,) = struct.unpack_from(">I", content, at)
        texts.append(content[at + 4 : at + 4 + size].decode())
        at += 4 + size
    realm, *parts = texts
    return f"{'/'.join(parts)}@{realm}"

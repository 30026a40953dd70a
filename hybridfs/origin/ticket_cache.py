"""Whose tickets a Kerberos cache holds, told without a Kerberos library."""

from __future__ import annotations

import os
import struct

from hybridfs.publishing import read_whole


def principal(cache: str | None = None) -> str | None:
    """The default principal of a cache of kind FILE, such as ``alice@CLOUD``; None where there is none to be read.

    ``cache``: its name; default: KRB5CCNAME, else where MIT puts it.
    """
    name = cache or os.environ.get("KRB5CCNAME") or f"/tmp/krb5cc_{os.geteuid()}"
    kind, colon, path = name.partition(":")
    try:
        content = read_whole(path if colon and kind == "FILE" else name)
        return _principal(content)
    except (OSError, struct.error, UnicodeDecodeError):
        return None


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

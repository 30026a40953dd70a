"""What a root holds, judged without the code that wrote it (FORMAT.md section 4)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from xxhash import xxh64_intdigest

from tests.python.support import blocks_in
from tests.torture.outcome import Outcome

_CHUNK = 1 << 16


def check_blocks(root: Path, files: Mapping[str, Path | bytes], outcome: Outcome, when: str) -> int:
    """Every block of the files is whole and holds what the file holds; returns how many there are.

    Blocks of other files, and files that are no blocks, must be whole only.
    """
    contents = {path: data if isinstance(data, bytes) else data.read_bytes() for path, data in files.items()}
    count = 0
    for block in blocks_in(root):
        if block.name.isdigit():
            found = _parse(block.read_bytes())
            if not outcome.check(found is not None, f"{when}: {block} is not whole"):
                continue
            assert found is not None
            path, start, data = found
            count += path in contents
            right = path not in contents or contents[path][start : start + len(data)] == data
            outcome.check(right, f"{when}: {block} holds other bytes than {path} at {start}")
    outcome.add("blocks compared", count)
    return count


def _parse(content: bytes) -> tuple[str, int, bytes] | None:
    """Path, offset in the file, data; None if it is no sound block."""
    if len(content) < 48 or content[-8:] != b"HYBRIDFS":
        return None
    _, number, n, k, block_size = struct.unpack_from("<QQIII", content, len(content) - 48)
    sums_at, chunks = n, -(-n // _CHUNK)
    if len(content) != n + 8 * chunks + k + 48:
        return None
    if xxh64_intdigest(content[n:-16]) != struct.unpack_from("<Q", content, len(content) - 16)[0]:
        return None
    sums = struct.unpack_from(f"<{chunks}Q", content, sums_at)
    if any(xxh64_intdigest(content[i * _CHUNK : min(n, (i + 1) * _CHUNK)]) != sums[i] for i in range(chunks)):
        return None
    identity = content[sums_at + 8 * chunks :][:k].decode()
    return urlsplit(identity.split("\n")[1]).path, number * block_size, content[:n]

"""Makes the golden root of the Python engine: ``python -m tests.golden.make [directory]``, from the project's root.

``python/root`` is a cache root whose blocks hold the bytes of `golden_bytes`; ``python/vectors.json`` says what each
block must be called and hold (FORMAT.md sections 2, 3, 4 and 6). The jar's tests write ``java/`` of the same structure,
and both test suites read both.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridfs import config
from hybridfs.layout import Identity, block_name, block_path, domain_name, flight_offset
from hybridfs.root import open_root
from hybridfs.stats import Stats
from hybridfs.store import Store
from hybridfs.trailer import make_trailer

BLOCK_SIZE = 1 << 16
CACHE_ID = "00000000-0000-4000-8000-000000000001"
HERE = Path(__file__).parent


@dataclass(frozen=True)
class GoldenFile:
    """A file version of which the golden root has all blocks, or the ones named."""

    domain_raw: str
    uri: str
    token: str
    length: int
    validator: int = 0
    blocks: tuple[int, ...] | None = None

    @property
    def identity(self) -> Identity:
        return Identity(domain_name(self.domain_raw), self.uri, self.token, self.length)

    @property
    def numbers(self) -> tuple[int, ...]:
        return self.blocks if self.blocks is not None else tuple(range(self.identity.blocks(BLOCK_SIZE)))


_LONG = "nameservice-" + "of-a-company-with-a-very-long-name." * 4 + "example"
FILES = (
    GoldenFile("hdfs-namenode.example:8020", "hdfs://namenode.example:8020/one", "1700000000000", 1),
    GoldenFile("hdfs-namenode.example:8020", "hdfs://namenode.example:8020/a/b.parquet", "1700000000001", 65535, 16386),
    GoldenFile("hdfs-prod", "hdfs://prod/straße/данные/日本語.orc", "1700000000002", 65536, 1 << 40),
    GoldenFile("hdfs-prod", "hdfs://prod/odd ?#%; name/part=a%20b;c?d#e f", "1700000000003", 65537, 16388),
    GoldenFile(f"hdfs-{_LONG}:8020", f"hdfs://{_LONG}:8020/warehouse/t", "1", 200000),
    GoldenFile("hdfs-Straße %41/x", "hdfs://Straße %41/x/y", "1700000000005", 10),
    GoldenFile("file-0123456789abcdef", "file:///mnt/ü b", "131-1700000000000000001-5", 100),
    # Only the first block of the second region, and the file's last one, which is short.
    GoldenFile("hdfs-prod", "hdfs://prod/large", "1700000000004", (1 << 28) - 65000, 16390, (2048, 4095)),
)


def golden_bytes(offset: int, size: int) -> bytes:
    """What every golden file holds: byte i is (31 i + 7) mod 256."""
    period = bytes((31 * i + 7) % 256 for i in range(256))
    start = offset % 256
    return (period * (size // 256 + 2))[start : start + size]


def vector(file: GoldenFile, number: int) -> dict[str, Any]:
    """All that is fixed about one block."""
    identity = file.identity
    length = identity.block_length(number, BLOCK_SIZE)
    return {
        "domain_raw": file.domain_raw,
        "domain": identity.domain,
        "uri": file.uri,
        "token": file.token,
        "length": file.length,
        "validator": file.validator,
        "block": number,
        "block_size": BLOCK_SIZE,
        "name": block_name(identity, number, BLOCK_SIZE),
        "path": block_path(identity, number, BLOCK_SIZE),
        "data_length": length,
        "flight_offset": flight_offset(identity, number, BLOCK_SIZE),
    }


def make(directory: Path) -> None:
    """Writes ``root`` and ``vectors.json`` into an empty directory."""
    root = directory / "root"
    root.mkdir(parents=True, mode=0o700)
    (root / "cache-id").write_text(f"{CACHE_ID}\n")
    settings = config.settings(cache_dir=str(root), block_size=BLOCK_SIZE, min_free=0)
    store = Store(open_root(str(root), BLOCK_SIZE), settings, Stats())
    vectors = []
    for file in FILES:
        for number in file.numbers:
            found = vector(file, number)
            data = memoryview(golden_bytes(number * BLOCK_SIZE, found["data_length"]))
            trailer = make_trailer(store.spec(file.identity, number, file.validator), data)
            assert store.publish(file.identity, number, data, file.validator) is None
            vectors.append(found | {"trailer_xxh64": f"{int.from_bytes(trailer[-16:-8], 'little'):016x}"})
    store.close()
    for unversioned in ("lock", "usage", "published", "upkeep", "v1/tmp"):  # empty or of no account
        path = root / unversioned
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    text = json.dumps(vectors, indent=1, ensure_ascii=False)
    (directory / "vectors.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "python"
    shutil.rmtree(target, ignore_errors=True)
    make(target)

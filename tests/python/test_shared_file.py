"""One file object in several threads that each seek and read, as DuckDB's do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import duckdb
import fsspec
import pyarrow as pa
import pyarrow.parquet
import pytest
from fsspec.implementations.local import LocalFileSystem

from hybridfs import DuckDBFileSystem, HybridFileSystem
from tests.python.support import pattern


@pytest.fixture
def fs(cache_dir: Path) -> HybridFileSystem:
    return HybridFileSystem(fs=LocalFileSystem(), cache_dir=cache_dir, block_size="64KiB")


def test_each_thread_of_duckdb_has_a_position(cache_dir: Path, tmp_path: Path) -> None:
    fs = DuckDBFileSystem(fs=LocalFileSystem(), cache_dir=cache_dir, block_size="64KiB")
    data = pattern(1 << 20)
    (tmp_path / "data").write_bytes(data)

    def reads(seed: int) -> int:
        random = Random(seed)
        for _ in range(2000):
            start, size = random.randrange(len(data)), random.randrange(1, 100_000)
            file.seek(start)
            assert file.read(size) == data[start : start + size]
        return seed

    with fs.open(str(tmp_path / "data")) as file, ThreadPoolExecutor(4) as pool:
        assert list(pool.map(reads, range(4))) == [0, 1, 2, 3]


def test_threads_that_take_turns_share_the_position(fs: HybridFileSystem, tmp_path: Path) -> None:
    """As those of an executor do, and as with any other file."""
    (tmp_path / "data").write_bytes(bytes(range(100)))
    with fs.open(str(tmp_path / "data")) as file, ThreadPoolExecutor(1) as other:
        file.seek(0, 2)
        other.submit(file.seek, 10).result()
        assert file.read(5) == bytes(range(10, 15))
        assert other.submit(file.read, 5).result() == bytes(range(15, 20))
        assert file.tell() == 20
        other.submit(file.seek, 50).result()
        assert file.seek(-10, 1) == 40
        assert file.readline(2) == bytes(range(40, 42))
        assert other.submit(file.read).result() == bytes(range(42, 100))
        assert file.read() == b""


def test_duckdb_scans_with_several_threads(hdfs_dir: str, cache_dir: Path) -> None:
    rows = 300_000
    table = pa.table({name: pa.array(range(rows)) for name in "abcd"})
    url = hdfs_dir.replace("hdfs://", "hybridfs://") + "/t.parquet"
    fs, path = fsspec.url_to_fs(url, cache_dir=cache_dir, block_size="64KiB")
    duckdb_fs = DuckDBFileSystem(**fs._get_kwargs_from_urls(url), cache_dir=cache_dir, block_size="64KiB")
    with fs.open(path, "wb") as file:
        pyarrow.parquet.write_table(table, file, row_group_size=rows // 30, compression="none")
    with duckdb.connect(config={"threads": 4}) as connection:
        connection.register_filesystem(duckdb_fs)
        for _ in range(5):
            query = f"SELECT sum(a), sum(b), sum(c), sum(d) FROM '{url}'"
            assert connection.execute(query).fetchone() == (rows * (rows - 1) // 2,) * 4

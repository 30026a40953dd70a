"""Recording which blocks real queries read: DuckDB over TPC-H through hybridfs."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import fsspec
from hdfs_native import Client

from benchmarks.bed import Bed
from benchmarks.policies.trace_file import Access
from hybridfs.layout import Identity
from hybridfs.open_blocks import OpenBlocks
from spark_ext.bed import Hdfs
from spark_ext.demo import tpch


def record(scale: float, queries: int, block_size: str, seed: int) -> list[Access]:
    """The blocks that queries of the demo read, drawn at random, one after the other; each is an application."""
    names = random.Random(seed).choices(sorted(tpch.QUERIES), k=queries)
    accesses: list[Access] = []
    with _tables(scale) as bed, _database(bed, block_size) as database:
        for application, name in enumerate(names):
            with _noting(application, accesses):
                database.execute(tpch.QUERIES[name]).fetchall()
    return accesses


@contextmanager
def _tables(scale: float) -> Iterator[Bed]:
    """An HDFS with the tables."""
    with tempfile.TemporaryDirectory(prefix="hybridfs-trace-") as scratch:
        directory = Path(scratch)
        tpch.generate(scale, directory)
        (directory / "hdfs").mkdir()
        with Hdfs(datanodes=1, scratch=directory / "hdfs") as hdfs:
            bed = Bed(hdfs, directory, Client(hdfs.url))
            for table in tpch.TABLES:
                bed.put(f"{table}.parquet")
            yield bed


@contextmanager
def _database(bed: Bed, block_size: str) -> Iterator[Any]:
    """DuckDB, which keeps nothing of the tables in memory; in one thread, so that the order depends on nothing else."""
    import duckdb

    options = {**bed.options("cache"), "block_size": block_size, "readahead": 0}
    with duckdb.connect(config={"threads": 1, "enable_external_file_cache": False}) as database:
        for table in tpch.TABLES:
            url = bed.url(f"{table}.parquet").replace("hdfs://", "hybridfs://")
            if table == tpch.TABLES[0]:
                database.register_filesystem(fsspec.url_to_fs(url, **options)[0])
            database.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{url}')")
        yield database


@contextmanager
def _noting(application: int, accesses: list[Access]) -> Iterator[None]:
    """Notes each block that a stream of this process asks for."""
    get = OpenBlocks.get

    def noting(self: OpenBlocks, identity: Identity, number: int, *rest: Any) -> Any:
        accesses.append((application, Path(identity.uri).name, number))
        return get(self, identity, number, *rest)

    with patch.object(OpenBlocks, "get", noting):
        yield

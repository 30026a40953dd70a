"""Libraries that read data by URL or through a filesystem, on a real HDFS: equal data, and no byte twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import dask.dataframe
import duckdb
import fsspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.dataset
import pyarrow.parquet
import pytest
from distributed import Client, LocalCluster

import hybridfs
from hybridfs import DuckDBFileSystem, HybridFileSystem
from spark_ext.bed import Hdfs
from tests.python.support import blocks_in, settle_process

PARTS, ROWS = 4, 100_000


def some_data() -> pd.DataFrame:
    rows = PARTS * ROWS
    random = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "price": random.random(rows),
            "name": np.char.add("name-", random.integers(0, 1000, rows).astype(str)),
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(random.integers(0, 365, rows), unit="D"),
        }
    )


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return some_data()


@pytest.fixture(scope="module")
def table(hdfs: Hdfs, data: pd.DataFrame) -> Iterator[str]:
    """`hybridfs://` URL of a directory on HDFS with the data in Parquet files, and as CSV."""
    url = hdfs.url.replace("hdfs://", "hybridfs://") + "/tests/consumers"
    plain = {"enabled": False}
    for part in range(PARTS):
        piece = data.iloc[part * ROWS : (part + 1) * ROWS]
        piece.to_parquet(f"{url}/parquet/part-{part}.parquet", storage_options=plain, row_group_size=ROWS // 3)
        piece.to_csv(f"{url}/csv/part-{part}.csv", storage_options=plain, index=False)
    yield url
    fsspec.url_to_fs(url, **plain)[0].rm("/tests/consumers", recursive=True)


Read = Callable[[str, dict[str, str]], pd.DataFrame]


def with_pandas(url: str, options: dict[str, str]) -> pd.DataFrame:
    return pd.read_parquet(f"{url}/parquet", storage_options=options)


def with_pandas_csv(url: str, options: dict[str, str]) -> pd.DataFrame:
    parts = [f"{url}/csv/part-{part}.csv" for part in range(PARTS)]
    return pd.concat([pd.read_csv(part, storage_options=options, parse_dates=["day"]) for part in parts])


def with_pyarrow_dataset(url: str, options: dict[str, str]) -> pd.DataFrame:
    fs, path = fsspec.url_to_fs(f"{url}/parquet", **options)
    return pyarrow.dataset.dataset(path, filesystem=fs).to_table().to_pandas()


def with_pyarrow_file(url: str, options: dict[str, str]) -> pd.DataFrame:
    tables = []
    for part in range(PARTS):
        with fsspec.open(f"{url}/parquet/part-{part}.parquet", **options) as file:
            tables.append(pyarrow.parquet.ParquetFile(file, pre_buffer=True).read())
    return pyarrow.concat_tables(tables).to_pandas()


def with_polars(url: str, options: dict[str, str]) -> pd.DataFrame:
    parts = [f"{url}/parquet/part-{part}.parquet" for part in range(PARTS)]
    return pl.concat([pl.read_parquet(part, use_pyarrow=True, storage_options=options) for part in parts]).to_pandas()


def with_lazy_polars(url: str, options: dict[str, str]) -> pd.DataFrame:
    fs, path = fsspec.url_to_fs(f"{url}/parquet", **options)
    return pl.scan_pyarrow_dataset(pyarrow.dataset.dataset(path, filesystem=fs)).collect().to_pandas()


def with_polars_files(url: str, options: dict[str, str]) -> pd.DataFrame:
    """Polars' own Parquet reader."""
    with fsspec.open_files(f"{url}/parquet/*.parquet", **options) as files:
        return pl.concat([pl.read_parquet(file) for file in files]).to_pandas()


def with_duckdb(url: str, options: dict[str, str]) -> pd.DataFrame:
    with duckdb.connect() as connection:
        connection.register_filesystem(DuckDBFileSystem(**HybridFileSystem._get_kwargs_from_urls(url), **options))
        found: pd.DataFrame = connection.sql(f"FROM read_parquet('{url}/parquet/*.parquet') ORDER BY id").df()
        return found


def with_dask_threads(url: str, options: dict[str, str]) -> pd.DataFrame:
    lazy = dask.dataframe.read_parquet(f"{url}/parquet", storage_options=options)
    found: pd.DataFrame = lazy.compute(scheduler="threads")
    return found


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    found = found.reset_index(drop=True)
    found = found.astype({"name": object, "day": "datetime64[ns]"})
    pd.testing.assert_frame_equal(found, expected.astype({"name": object, "day": "datetime64[ns]"}))


@pytest.mark.parametrize(
    "read",
    [
        with_pandas,
        with_pandas_csv,
        with_pyarrow_dataset,
        with_pyarrow_file,
        with_polars,
        with_lazy_polars,
        with_polars_files,
        with_duckdb,
        with_dask_threads,
    ],
)
def test_the_second_read_needs_nothing_of_hdfs(
    hdfs: Hdfs, table: str, data: pd.DataFrame, cache_dir: Path, read: Read
) -> None:
    options = {"cache_dir": str(cache_dir)}
    before = hdfs.served()
    same(read(table, options), data)
    settle_process(options["cache_dir"])
    cold = hdfs.served() - before
    assert cold.bytes > 0
    before = hdfs.served()
    same(read(table, options), data)
    assert hdfs.served() == before


def test_what_one_library_read_serves_all_others(hdfs: Hdfs, table: str, data: pd.DataFrame, cache_dir: Path) -> None:
    options = {"cache_dir": str(cache_dir)}
    same(with_pandas(table, options), data)
    settle_process(options["cache_dir"])
    before = hdfs.served()
    for read in (with_pyarrow_dataset, with_polars, with_polars_files, with_duckdb, with_dask_threads):
        same(read(table, options), data)
    assert hdfs.served() == before


# ---- dask with processes


@pytest.fixture(scope="module")
def workers() -> Iterator[Client]:
    """Two worker processes."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


def counters_of_workers(workers: Client) -> dict[str, int]:
    workers.run(settle_process)
    found = workers.run(hybridfs.stats).values()
    return {name: sum(one[name] for one in found) for name in hybridfs.stats()}


def test_dask_processes_read_by_url(
    hdfs: Hdfs, table: str, data: pd.DataFrame, cache_dir: Path, workers: Client
) -> None:
    options = {"cache_dir": str(cache_dir)}
    lazy = dask.dataframe.read_parquet(f"{table}/parquet", storage_options=options)
    before, counted = hdfs.served(), counters_of_workers(workers)
    same(lazy.compute(), data)
    cold = hdfs.served() - before
    assert cold.bytes > 0
    assert counters_of_workers(workers)["origin_bytes"] > counted["origin_bytes"]
    settle_process(options["cache_dir"])  # the driver read the schema
    before, counted = hdfs.served(), counters_of_workers(workers)
    same(dask.dataframe.read_parquet(f"{table}/parquet", storage_options=options).compute(), data)
    after = counters_of_workers(workers)
    assert hdfs.served() == before
    assert after["hit_bytes"] > counted["hit_bytes"]


def head_of(file: object) -> bytes:
    with file as opened:  # type: ignore[attr-defined]
        return bytes(opened.read(100_000))


def test_pickled_filesystems_and_open_files_work_in_dask(
    hdfs: Hdfs, table: str, cache_dir: Path, workers: Client
) -> None:
    fs, path = fsspec.url_to_fs(f"{table}/parquet", cache_dir=str(cache_dir))
    paths = fs.ls(path, detail=False)
    assert len(paths) == PARTS
    contents = [fs.cat_file(one) for one in paths]
    settle_process(str(cache_dir))
    assert len(blocks_in(cache_dir)) == sum(-(-len(content) // (1 << 20)) for content in contents)
    before = hdfs.served()
    files = [fsspec.open(fs.unstrip_protocol(one), cache_dir=str(cache_dir)) for one in paths]
    assert workers.gather(workers.map(head_of, files)) == [content[:100_000] for content in contents]
    opened = [fs.open(one) for one in paths]
    assert workers.gather(workers.map(head_of, opened)) == [content[:100_000] for content in contents]
    sums = workers.gather(workers.map(length_and_end, [fs] * PARTS, paths))
    assert sums == [(len(content), content[-100:]) for content in contents]
    assert hdfs.served() == before


def length_and_end(fs: HybridFileSystem, path: str) -> tuple[int, bytes]:
    content = fs.cat_file(path)
    return len(content), content[-100:]

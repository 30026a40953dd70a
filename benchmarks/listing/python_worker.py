"""Listings in a Python process of its own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from benchmarks.meter import measured
from spark_ext.demo.workers import serve


def find(url: str, options: Mapping[str, Any]) -> dict[str, float]:
    """`find` through hybridfs; returns what `measured` does, of files."""
    import fsspec

    parts = urlsplit(url)
    fs = fsspec.filesystem("hybridfs", host=parts.hostname, port=parts.port, **options)
    return measured(lambda: len(fs.find(parts.path)))


def bare(url: str, threads: int, limit: int) -> dict[str, float]:
    """hdfs-native's own listings, level by level; returns what `measured` does, and `first`, `top`, `partitions`.

    limit: how many directories are listed of each level.
    """
    from hdfs_native import Client

    parts = urlsplit(url)
    client = Client(f"hdfs://{parts.netloc}")
    shape: dict[str, float] = {}

    def listed(path: str) -> list[Any]:
        return list(client.list_status(path))

    def levels() -> int:
        start = time.perf_counter()
        level = listed(parts.path)
        shape.update(first=time.perf_counter() - start, top=len(level))
        with ThreadPoolExecutor(threads) as pool:
            while level and level[0].isdir:
                paths = [status.path for status in level[:limit]]
                shape["partitions"] = len(paths)
                level = _joined(pool.map(listed, paths))
        return len(level)

    return {**measured(levels), **shape}


def _joined(lists: Iterable[list[Any]]) -> list[Any]:
    return [one for each in lists for one in each]


if __name__ == "__main__":
    serve({"find": find, "bare": bare})

"""pandas in a process of its own, on plain HDFS or through hybridfs."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from spark_ext.demo.workers import serve


def read(urls: Sequence[str], options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Read Parquet files of HDFS, through hybridfs when there are options.

    Returns the time in seconds and, as result, a digest of all values.
    """
    begun = time.perf_counter()
    frames = [_frame(url, options) for url in urls]
    seconds = time.perf_counter() - begun
    return {"seconds": seconds, "result": _digest(pd.concat(frames))}


def _frame(url: str, options: Mapping[str, Any] | None) -> pd.DataFrame:
    if options is None:
        return pd.read_parquet(urlsplit(url).path, filesystem=_plain(url))
    return pd.read_parquet(f"hybridfs::{url}", storage_options=dict(options))


def _plain(url: str) -> Any:
    from hdfs_native.fsspec import HdfsFileSystem

    parts = urlsplit(url)
    return HdfsFileSystem(host=parts.hostname, port=parts.port)


def _digest(frame: pd.DataFrame) -> str:
    hashes = pd.util.hash_pandas_object(frame.astype(str), index=False)
    return hashlib.sha256(hashes.to_numpy().tobytes()).hexdigest()


def counters() -> dict[str, int]:
    """The cache's counters of this process."""
    import hybridfs

    return hybridfs.stats()


if __name__ == "__main__":
    serve({"read": read, "counters": counters})

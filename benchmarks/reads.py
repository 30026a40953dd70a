"""How Python programs read a file: from the local disk, from HDFS, and through hybridfs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

from benchmarks.bed import MIB

_BARE_READ = 4 * MIB  # larger ranges cost hdfs-native page faults
_PAGE = 4096
_RANDOM_READ = 64 << 10
_FILL_SECONDS = 20
_POLL_SECONDS = 0.002
_COLUMNS = ["l_orderkey", "l_quantity", "l_extendedprice", "l_discount", "l_shipmode", "l_shipdate"]


@dataclass(frozen=True)
class Target:
    """One file: the local path, the `hdfs://` URL, and options of hybridfs. `reads`: how many random ones."""

    local: str
    url: str
    options: dict[str, Any]
    reads: int

    @property
    def remote(self) -> str:
        return urlsplit(self.url).path

    def open_local(self) -> Any:
        return open(self.local, "rb")

    def open_cached(self) -> Any:
        return self.cached().open(self.remote)

    def cached(self) -> Any:
        """The filesystem of hybridfs."""
        import fsspec

        return fsspec.filesystem("hybridfs", **_address(self.url), **self.options)

    def open_bare(self) -> Any:
        """A reader of hdfs-native."""
        parts = urlsplit(self.url)
        return _client(f"hdfs://{parts.netloc}").read(parts.path)

    def arrow_local(self) -> Any:
        import pyarrow

        return pyarrow.OSFile(self.local)

    def arrow_cached(self) -> Any:
        import pyarrow

        return pyarrow.PythonFile(self.open_cached())


def _address(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {"host": parts.hostname, "port": parts.port}


@cache
def _client(url: str) -> Any:
    from hdfs_native import Client

    return Client(url)


def _read(opened: Callable[[Target], Any], target: Target) -> int:
    with opened(target) as file:
        return sum(map(len, iter(lambda: file.read(MIB), b"")))


def _readinto(opened: Callable[[Target], Any], target: Target) -> int:
    buffer = bytearray(MIB)
    with opened(target) as file:
        return sum(iter(lambda: file.readinto(buffer), 0))


def _buffers(opened: Callable[[Target], Any], target: Target) -> int:
    """As Arrow's readers do. A byte of each page is looked at: a map that nobody looks at would cost nothing."""
    import numpy

    size = 0
    with opened(target) as file:
        while buffer := file.read_buffer(MIB):
            numpy.frombuffer(buffer, numpy.uint8)[::_PAGE].max()
            size += len(buffer)
    return size


def _random(opened: Callable[[Target], Any], target: Target) -> int:
    places = random.Random(2)
    size = 0
    with opened(target) as file:
        end = file.seek(0, 2) - _RANDOM_READ
        for _ in range(target.reads):
            file.seek(places.randrange(end))
            size += len(file.read(_RANDOM_READ))
    return size


def _bare_ranges(target: Target) -> int:
    reader = target.open_bare()
    starts = range(0, len(reader), _BARE_READ)
    return _total(reader.read_range(start, min(_BARE_READ, len(reader) - start)) for start in starts)


def _bare_stream(target: Target) -> int:
    reader = target.open_bare()
    return _total(reader.read_range_stream(0, len(reader)))


def _fill(target: Target) -> int:
    """Reads like any program, and then waits until the cache has everything: that work counts, too."""
    import hybridfs

    before = hybridfs.stats()["published_bytes"]
    size = _read(Target.open_cached, target)
    deadline = time.monotonic() + _FILL_SECONDS
    while (published := hybridfs.stats()["published_bytes"] - before) < size:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{published} of {size} bytes are in the cache after {_FILL_SECONDS} s")
        time.sleep(_POLL_SECONDS)
    return size


def _total(pieces: Iterable[bytes]) -> int:
    return sum(map(len, pieces))


def _dataset(filesystem: Callable[[Target], Any], target: Target) -> int:
    from pyarrow import dataset

    there = filesystem(target)
    path = target.local if there is None else target.remote
    return int(dataset.dataset(path, filesystem=there).to_table().num_rows)


def _pandas_local(target: Target) -> int:
    import pandas

    return len(pandas.read_parquet(target.local, columns=_COLUMNS))


def _pandas_cached(target: Target) -> int:
    import pandas

    return len(pandas.read_parquet(f"hybridfs::{target.url}", columns=_COLUMNS, storage_options=target.options))


# Each opens the file, reads, and closes it; it returns the bytes or rows that it got.
READS: dict[str, Callable[[Target], int]] = {
    "read local": partial(_read, Target.open_local),
    "read cached": partial(_read, Target.open_cached),
    "readinto local": partial(_readinto, Target.open_local),
    "readinto cached": partial(_readinto, Target.open_cached),
    "buffers local": partial(_buffers, Target.arrow_local),
    "buffers cached": partial(_buffers, Target.arrow_cached),
    "random local": partial(_random, Target.open_local),
    "random cached": partial(_random, Target.open_cached),
    "dataset local": partial(_dataset, lambda _: None),
    "dataset cached": partial(_dataset, Target.cached),
    "pandas local": _pandas_local,
    "pandas cached": _pandas_cached,
    "fill cached": _fill,
    "ranges bare": _bare_ranges,
    "stream bare": _bare_stream,
}

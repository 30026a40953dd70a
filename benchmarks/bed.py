"""The HDFS and the files that are read."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdfs_native import Client, WriteOptions

from benchmarks.results import BenchmarkError
from spark_ext.bed import Hdfs
from spark_ext.demo import tpch

MIB = 1 << 20
LINEITEM = "lineitem.parquet"
WARM_UP = "warm-up.parquet"  # the same columns, few rows
_WARM_UP_SCALE = 0.01
_PATTERN = 16 * MIB
_SPARE = 2 << 30


@dataclass(frozen=True)
class Sizes:
    """How much is read: bytes of the large file and of the one for cold reads, TPC-H scale of `lineitem`."""

    large: int
    cold: int
    scale: float


@dataclass(frozen=True)
class Bed:
    """A running HDFS that holds `/bench/NAME` for each local file `scratch/NAME`."""

    hdfs: Hdfs
    scratch: Path
    client: Client

    def local(self, name: str) -> str:
        return str(self.scratch / name)

    def url(self, name: str) -> str:
        """`hdfs://…` of a file."""
        return self.hdfs.url + remote(name)

    def options(self, cache: str) -> dict[str, Any]:
        """Options of hybridfs with a cache of that name."""
        return {"cache_dir": str(self.scratch / cache)}

    def drop_cache(self, cache: str) -> None:
        shutil.rmtree(self.scratch / cache, ignore_errors=True)

    def environment(self) -> dict[str, str]:
        """Variables of processes that use this HDFS."""
        return {"SPARK_LOCAL_IP": "127.0.0.1", **self.hdfs.as_user(self.hdfs.superuser)}

    def put(self, name: str) -> None:
        """Copies a local file to HDFS."""
        with open(self.local(name), "rb") as source:
            writer = self.client.create(remote(name), WriteOptions(overwrite=True))
            while data := source.read(4 * MIB):
                writer.write(data)
            writer.close()

    def rename(self, old: str, new: str) -> None:
        """Gives a file of HDFS another name, under which no cache knows it."""
        self.client.rename(remote(old), remote(new))


@contextmanager
def sending(bed: Bed, asks_nothing: bool) -> Iterator[Callable[[], int]]:
    """Yields a function that tells afterwards how many bytes the DataNodes sent inside.

    They are not asked about what `asks_nothing` of them: their metrics take a while to settle.
    """
    before = None if asks_nothing else bed.hdfs.served()
    sent = 0
    yield lambda: sent
    if before is not None:
        sent = (bed.hdfs.served() - before).bytes


def remote(name: str) -> str:
    """The path of a file in HDFS."""
    return f"/bench/{name}"


@contextmanager
def prepared(sizes: Sizes) -> Iterator[Bed]:
    """Starts HDFS and makes the files in a scratch directory; ends and removes everything.

    Raises BenchmarkError if the disk is too full.
    """
    scratch = Path(tempfile.mkdtemp(prefix="hybridfs-bench-"))
    try:
        _check_space(scratch, sizes)
        (scratch / "hdfs").mkdir()
        with Hdfs(datanodes=1, scratch=scratch / "hdfs") as hdfs:
            bed = Bed(hdfs, scratch, Client(hdfs.url))
            _make_files(bed, sizes)
            yield bed
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _check_space(scratch: Path, sizes: Sizes) -> None:
    needed = 3 * sizes.large + 3 * sizes.cold + int(sizes.scale * 1.5e9) + _SPARE
    free = shutil.disk_usage(scratch).free
    if free < needed:
        raise BenchmarkError(f"{scratch} has {free >> 20} MiB free, {needed >> 20} are needed; set TMPDIR or --quick")


def _make_files(bed: Bed, sizes: Sizes) -> None:
    pattern = random.Random(1).randbytes(_PATTERN)
    _write(bed.local("large"), sizes.large, pattern)
    _write(bed.local("cold"), sizes.cold, pattern)
    _write(bed.local("small"), MIB, pattern)
    _make_lineitem(bed.scratch, sizes.scale, LINEITEM)
    _make_lineitem(bed.scratch, _WARM_UP_SCALE, WARM_UP)
    for name in ("large", "cold", "small", LINEITEM, WARM_UP):
        bed.put(name)


def _make_lineitem(scratch: Path, scale: float, name: str) -> None:
    tables = scratch / f"tpch-{scale:g}"
    tpch.generate(scale, tables)
    (tables / "lineitem.parquet").rename(scratch / name)
    shutil.rmtree(tables)


def _write(path: str, size: int, pattern: bytes) -> None:
    with open(path, "wb") as file:
        while size > file.tell():
            file.write(pattern[: size - file.tell()])
        file.flush()
        os.fsync(file.fileno())  # or the kernel writes it back during the measurements

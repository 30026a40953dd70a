"""The link, HDFS and the metastore at its far end, and the tables."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.results import BenchmarkError
from spark_ext import jar
from spark_ext.bed import Hdfs, Link, Metastore
from spark_ext.bed.daemon import java_command
from spark_ext.bed.sources import compiled

_HERE = Path(__file__).parent
_SECONDS = 1800  # no process takes that long, unless it hangs
FILES = 2  # in each partition


@dataclass(frozen=True)
class Table:
    """url: `hdfs://…`; partitions: how many directories hold files; levels: of directories below the table."""

    url: str
    partitions: int
    levels: int

    @property
    def title(self) -> str:
        return f"{self.partitions:,} partitions, {'one level' if self.levels == 1 else 'two levels'}"

    @property
    def files(self) -> int:
        return FILES * self.partitions


@dataclass(frozen=True)
class Bed:
    """What runs. classpath: of this package's Java programs. options: of hybridfs, but for its root."""

    link: Link
    hdfs: Hdfs
    metastore: Metastore
    scratch: Path
    classpath: list[str]

    def options(self, **further: Any) -> dict[str, Any]:
        """Options of hybridfs."""
        return {"cache_dir": str(self.scratch / "cache"), **further}

    def drop_cache(self) -> None:
        """The next reader finds nothing."""
        shutil.rmtree(self.scratch / "cache", ignore_errors=True)

    def environment(self) -> dict[str, str]:
        """Variables of processes at the near end."""
        return {"SPARK_LOCAL_IP": self.link.near.address, **self.hdfs.as_user(self.hdfs.superuser)}

    def near_java(self, main: str, *arguments: str, heap: str = "256m") -> str:
        """What a Java program prints at the near end."""
        return _run(self.link.near([*self._java(main, heap), *arguments]), self.environment())

    def make(self, table: Table, source: str) -> None:
        """Makes a table at the far end: of copies of a local file, or of another's partitions."""
        make = [*self._java("MakeTable", "256m"), table.url, str(table.partitions), source]
        _run(self.link.far(make), self.environment())

    def _java(self, main: str, heap: str) -> list[str]:
        java, *rest = java_command(f"io.hybridfs.{main}", self.classpath, self.scratch / "tmp", heap)
        return [java, "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", *rest]


@contextmanager
def prepared(round_trip: str, rate: str) -> Iterator[Bed]:
    """Starts everything, ends and removes everything."""
    scratch = Path(tempfile.mkdtemp(prefix="hybridfs-bench-"))
    try:
        (scratch / "hdfs").mkdir()
        with (
            Link(round_trip, rate) as link,
            Hdfs(datanodes=1, scratch=scratch / "hdfs", at=link.far) as hdfs,
            Metastore(hdfs) as metastore,
        ):
            classpath = compiled(scratch, jar.path(), sorted(_HERE.glob("*.java")))
            yield Bed(link, hdfs, metastore, scratch, [str(hdfs.conf_dir), *classpath])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def flat(bed: Bed, partitions: int) -> Table:
    """`p=00000`, `p=00001`, … with files of ten rows of one column, `v`."""
    table = Table(f"{bed.hdfs.url}/bench/flat", partitions, 1)
    source = bed.scratch / "part.parquet"
    _write_parquet(source)
    bed.make(table, str(source))
    return table


def nested(bed: Bed, of: Table) -> Table:
    """`a=00/b=00`, …, made of the partitions of a flat table, which has none afterwards."""
    table = Table(f"{bed.hdfs.url}/bench/nested", of.partitions, 2)
    bed.make(table, of.url)
    return table


def _write_parquet(path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"v": list(range(10))}), path)


def _run(command: list[str], environment: Mapping[str, str]) -> str:
    env = {**os.environ, **environment}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command[-4:])} failed:\n{done.stderr[-3000:]}")
    return done.stdout

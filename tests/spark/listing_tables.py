"""Partitioned tables on HDFS, written by a client that is not hybridfs, in directories that are long finished."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
from hdfs_native import Client, WriteOptions
from pyarrow import orc, parquet

from spark_ext.bed import Hdfs

PARTITIONS = 300
FEW = 8
BLOCK = 1 << 20
PADDING = b"x" * 1000  # a column that the tables do not have
AGE = 600  # seconds since the directories changed: an entry of a younger one is not trusted


@dataclass(frozen=True)
class Table:
    """A table of the metastore, whose rows have the number of their partition as id.

    stored: what follows STORED AS in HiveQL.
    rows: how many each partition has, in one file.
    """

    name: str
    stored: str
    partitions: int
    rows: int = 1

    def path(self, number: int | None = None) -> str:
        """Of the table or of a partition."""
        return f"/listings/{self.name}" + ("" if number is None else f"/p={number}")

    def ddl(self, url: str, name: str | None = None) -> str:
        """Creates it, without partitions yet, under its own or another name."""
        return (
            f"CREATE EXTERNAL TABLE {name or self.name} (id BIGINT) PARTITIONED BY (p BIGINT) "
            f"STORED AS {self.stored} LOCATION '{url}{self.path()}'"
        )

    @property
    def everything(self) -> list[list[int]]:
        """`[count(*), sum(id), sum(p)]` of all rows."""
        return [[self.partitions * self.rows, *[sum(range(self.partitions)) * self.rows] * 2]]


WIDE = Table("wide", "PARQUET", PARTITIONS)
ORC = Table("orc", "ORC", FEW)
TEXT = Table("lines", "TEXTFILE", FEW, rows=2_500)  # of three blocks each
TABLES = (WIDE, ORC, TEXT)
NESTED = "/listings/nested"  # CSV, a=0..5/b=0..3, a row each


class Writer:
    """Another client of the cluster, which tells hybridfs nothing."""

    def __init__(self, hdfs: Hdfs) -> None:
        self.client = Client(hdfs.url)

    def put(self, path: str, data: bytes) -> None:
        with self.client.create(path, WriteOptions(overwrite=True, block_size=BLOCK)) as out:
            out.write(data)

    def finished_long_ago(self, directories: Iterable[str]) -> None:
        then = int(time.time() - AGE) * 1000
        for directory in directories:
            self.client.set_times(directory, then, then)

    def write(self, table: Table) -> None:
        """All partitions of a table."""
        rows = {f"{table.path(n)}/part-0": content(table.stored, [n] * table.rows) for n in range(table.partitions)}
        with ThreadPoolExecutor(8) as pool:  # the last answer to each file comes late
            list(pool.map(self.put, rows, rows.values()))
        self.finished_long_ago([table.path(), *map(table.path, range(table.partitions))])

    def write_nested(self) -> None:
        tree = {f"{NESTED}/a={a}": [f"{NESTED}/a={a}/b={b}" for b in range(4)] for a in range(6)}
        for leaves in tree.values():
            for leaf in leaves:
                self.put(f"{leaf}/part-0", leaf[-1].encode() + b"\n")
        self.finished_long_ago([NESTED, *tree, *(leaf for leaves in tree.values() for leaf in leaves)])


def content(stored: str, ids: list[int]) -> bytes:
    """A file with these rows."""
    if stored == "TEXTFILE":
        return b"".join(b"%d\x01%s\n" % (number, PADDING) for number in ids)
    out, rows = io.BytesIO(), pa.table({"id": pa.array(ids, pa.int64())})
    (orc.write_table if stored == "ORC" else parquet.write_table)(rows, out)
    return out.getvalue()

"""A Java program that lists a table as Spark's file index does: time within calls of the file system."""

from __future__ import annotations

import json
import sys
from typing import Any

from benchmarks.listing.bed import Bed, Table
from benchmarks.listing.costs import Run, extrapolated, traffic
from benchmarks.listing.workload import Contender
from hybridfs.config import hadoop_options
from spark_ext.settings import PLAIN, SHIM

_SERIAL_PARTITIONS = 300


def contenders(parallel: int) -> list[Contender]:
    """Plain HDFS first: one by one, and as many at a time as `parallel`."""
    return [
        Contender("plain HDFS, one by one", _one_by_one, once=True),
        Contender(f"plain HDFS, {parallel} at a time", lambda bed, table: _listed(bed, table, threads=parallel)),
        Contender("hybridfs, cold", cold),
        Contender("hybridfs, warm", lambda bed, table: _listed(bed, table, bed.options())),
        Contender("hybridfs, bounded", lambda bed, table: _listed(bed, table, bed.options(listings="bounded"))),
    ]


def cold(bed: Bed, table: Table) -> Run:
    """With an empty root, in which the listings stay."""
    bed.drop_cache()
    return _listed(bed, table, bed.options())


def _one_by_one(bed: Bed, table: Table) -> Run:
    return _listed(bed, table, limit=_SERIAL_PARTITIONS)


def _listed(
    bed: Bed, table: Table, options: dict[str, Any] | None = None, threads: int = 1, limit: int = sys.maxsize >> 32
) -> Run:
    """One new JVM. options: of hybridfs; without them the file system is Hadoop's own."""
    conf = {"fs.hdfs.impl": PLAIN} if options is None else {"fs.hdfs.impl": SHIM, **hadoop_options(**options)}
    properties = [f"{name}={value}" for name, value in conf.items()]
    with traffic(bed) as during:
        printed = bed.near_java("ListTable", table.url, str(threads), str(limit), *properties)
    answer = json.loads(printed.splitlines()[-1])
    run = Run.made(answer, during, answer["files"], answer["heap"])
    return extrapolated(run, table, answer["first"], answer["top"], answer["partitions"])

"""Spark: reading the table by its path, and a query of one partition by the metastore. Each in a new driver."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.listing.bed import FILES, Bed, Table
from benchmarks.listing.costs import Run, traffic
from benchmarks.listing.workload import Contender
from spark_ext.bed import Place
from spark_ext.demo.workers import Worker

_NAME = "listed"
_ROWS = 10 * FILES  # of a partition


def readers(parallel: int) -> list[Contender]:
    """Of `spark.read.parquet(table)`: plain HDFS first."""
    cores = len(os.sched_getaffinity(0))
    return [
        Contender(f"plain HDFS, Spark's defaults, {cores} tasks at a time", lambda b, t: _read(b, t, cores), once=True),
        Contender(f"plain HDFS, {parallel} tasks at a time", lambda b, t: _read(b, t, parallel), once=True),
        Contender("hybridfs, cold", _cold),
        Contender("hybridfs, warm", _warm),
    ]


def queries() -> tuple[list[Contender], int]:
    """Of the first query of a driver, `SELECT count(*) … WHERE p = …`, and what they find."""
    contenders = [Contender("plain HDFS", lambda bed, _: _query(bed, None)), Contender("hybridfs, warm", _warm_query)]
    return contenders, _ROWS


def register(bed: Bed, table: Table) -> None:
    """Makes a table of the metastore of the partitions there are."""
    with _driver(bed, bed.link.far, None, 2) as spark:
        spark.ask("register", name=_NAME, url=table.url, partitions=table.partitions)


def _read(bed: Bed, table: Table, cores: int, options: dict[str, Any] | None = None) -> Run:
    with _driver(bed, bed.link.near, options, cores) as spark:
        return _timed(bed, spark, "read", url=table.url)


def _cold(bed: Bed, table: Table) -> Run:
    bed.drop_cache()
    return _read(bed, table, 2, bed.options())


def _warm(bed: Bed, table: Table) -> Run:
    """After another driver on this host. That reads when this one has started, so that its listings are fresh."""
    bed.drop_cache()
    with _driver(bed, bed.link.near, bed.options(), 2) as spark:
        _read(bed, table, 2, bed.options())
        return _timed(bed, spark, "read", url=table.url)


def _query(bed: Bed, options: dict[str, Any] | None) -> Run:
    with _driver(bed, bed.link.near, options, 2) as spark:
        return _timed(bed, spark, "query", sql=f"SELECT count(*) FROM {_NAME} WHERE p = '00007'")


def _warm_query(bed: Bed, _: Table) -> Run:
    bed.drop_cache()
    _query(bed, bed.options())
    return _query(bed, bed.options())


def _timed(bed: Bed, spark: Worker, request: str, **arguments: Any) -> Run:
    with traffic(bed) as during:
        answer = spark.ask(request, **arguments)
    return Run.made(answer, during, int(answer["amount"]))


@contextmanager
def _driver(bed: Bed, at: Place, options: dict[str, Any] | None, cores: int) -> Iterator[Worker]:
    temporary = bed.scratch / "spark"
    temporary.mkdir(exist_ok=True)
    conf = {
        **bed.metastore.spark_conf(),
        "spark.app.name": "hybridfs listings",
        "spark.master": f"local[{cores}]",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": f"-Djava.io.tmpdir={temporary} -XX:-UsePerfData -XX:+UseSerialGC",
        "spark.local.dir": str(temporary),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    environment = {**bed.environment(), "SPARK_LOCAL_IP": at.address}
    log = bed.scratch / f"spark-{os.urandom(4).hex()}.log"
    with Worker("benchmarks.listing.spark_worker", log, environment, at) as worker:
        worker.ask("open", conf=conf, options=options)
        yield worker
        worker.ask("close")

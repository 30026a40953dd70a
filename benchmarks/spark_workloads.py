"""The Spark half: all runs in one warm JVM, since a cold one would hide everything else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.bed import LINEITEM, Bed, sending
from benchmarks.results import Series
from benchmarks.rounds import Rounds
from spark_ext.demo.workers import Worker


@dataclass(frozen=True)
class SparkWorkload:
    """contenders: `local`, `bare` or `cached` by what the table calls them, the baseline first.

    cold: each scan finds nothing in the cache.
    """

    name: str
    title: str
    contenders: Mapping[str, str]
    cold: bool = False

    def series(self, spark: Worker, bed: Bed, rounds: Rounds) -> list[Series]:
        """The runs of each contender, the baseline's first."""
        reading = "cold" if self.cold else "again"
        series = {name: Series(self.title, name, reading) for name in self.contenders}
        for counts in rounds:
            for contender, place in self.contenders.items():
                run, served = self._scan(spark, bed, place)
                if counts:
                    series[contender].add(**run, served=served)
        return list(series.values())

    def _scan(self, spark: Worker, bed: Bed, place: str) -> tuple[dict[str, float], int]:
        """One scan and the bytes that DataNodes sent for it."""
        name = LINEITEM
        if self.cold:
            name = f"fresh-{os.urandom(8).hex()}.parquet"
            bed.rename(LINEITEM, name)
        with sending(bed, place == "local") as sent:
            run = spark.ask("scan", url=_url(bed, place, name))
        if self.cold:
            bed.rename(name, LINEITEM)
        return run, sent()


def run(workloads: Iterable[SparkWorkload], bed: Bed, rounds: Rounds) -> Iterator[list[Series]]:
    """Runs one after the other in one session."""
    with _session(bed) as spark:
        _warm_up(spark, bed, rounds)
        for workload in workloads:
            yield workload.series(spark, bed, rounds)


def _url(bed: Bed, place: str, name: str) -> str:
    if place == "local":
        return f"file://{bed.local(name)}"
    return _bare(bed.url(name)) if place == "bare" else bed.url(name)


def _bare(url: str) -> str:
    """The same place by another name of the host, for which the session keeps Hadoop's own client."""
    return url.replace("127.0.0.1", "localhost")


@contextmanager
def _session(bed: Bed) -> Iterator[Worker]:
    temporary = bed.scratch / "spark"
    temporary.mkdir(exist_ok=True)
    cores = min(4, len(os.sched_getaffinity(0)))
    conf = {
        "spark.app.name": "hybridfs benchmarks",
        "spark.master": f"local[{cores}]",
        "spark.driver.memory": "1500m",
        "spark.driver.extraJavaOptions": f"-Djava.io.tmpdir={temporary} -XX:-UsePerfData",
        "spark.local.dir": str(temporary),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        **{f"spark.hadoop.{name}": value for name, value in bed.hdfs.client_conf().items()},
    }
    with Worker("benchmarks.spark_worker", bed.scratch / "spark-worker.log", bed.environment()) as worker:
        worker.ask("open", conf=conf, options=bed.options("cache"), bare=_bare(bed.hdfs.url))
        yield worker
        worker.ask("close")


def _warm_up(spark: Worker, bed: Bed, rounds: Rounds) -> None:
    """Lets the JVM compile what a scan runs, each way of reading as often as the others.

    After some six rounds the CPU time of a scan has settled.
    """
    for _ in rounds:
        for place in ("local", "bare", "cached"):
            spark.ask("scan", url=_url(bed, place, LINEITEM))


WORKLOADS = (
    SparkWorkload(
        "spark-scan",
        "spark-scan: lineitem to noop, hot",
        {"file://": "local", "hdfs:// bare": "bare", "hdfs:// with hybridfs": "cached"},
    ),
    SparkWorkload(
        "spark-fill",
        "spark-fill: lineitem to noop, cold",
        {"hdfs:// bare": "bare", "hdfs:// with hybridfs": "cached"},
        cold=True,
    ),
)

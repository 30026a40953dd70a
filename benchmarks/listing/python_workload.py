"""`find` of a table in Python."""

from __future__ import annotations

from typing import Any

from benchmarks.listing import jvm_workload
from benchmarks.listing.bed import Bed, Table
from benchmarks.listing.costs import Run, extrapolated, traffic
from benchmarks.listing.workload import Contender
from spark_ext.demo.workers import Worker

_SERIAL_PARTITIONS = 300
_ALL = 1 << 30


def contenders(parallel: int) -> list[Contender]:
    """hdfs-native first: one by one, and as many at a time as `parallel`."""
    return [
        Contender("hdfs-native, one by one", lambda bed, table: _bare(bed, table, 1, _SERIAL_PARTITIONS), once=True),
        Contender(f"hdfs-native, {parallel} at a time", lambda bed, table: _bare(bed, table, parallel, _ALL)),
        Contender("hybridfs, cold", _cold),
        Contender("hybridfs, warm", _find),
        Contender("hybridfs, listed by a JVM before", _after_jvm),
        Contender("hybridfs, bounded", lambda bed, table: _find(bed, table, listings="bounded")),
    ]


def _cold(bed: Bed, table: Table) -> Run:
    bed.drop_cache()
    return _find(bed, table)


def _after_jvm(bed: Bed, table: Table) -> Run:
    jvm_workload.cold(bed, table)
    return _find(bed, table)


def _find(bed: Bed, table: Table, **options: Any) -> Run:
    return _asked(bed, "find", url=table.url, options=bed.options(**options))[0]


def _bare(bed: Bed, table: Table, threads: int, limit: int) -> Run:
    run, answer = _asked(bed, "bare", url=table.url, threads=threads, limit=limit)
    return extrapolated(run, table, answer["first"], int(answer["top"]), int(answer["partitions"]))


def _asked(bed: Bed, request: str, **arguments: Any) -> tuple[Run, dict[str, float]]:
    log = bed.scratch / "python-worker.log"
    with Worker("benchmarks.listing.python_worker", log, bed.environment(), bed.link.near) as worker:
        with traffic(bed) as during:
            answer = worker.ask(request, **arguments)
        return Run.made(answer, during, int(answer["amount"])), answer

"""What the demo does, step by step."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spark_ext.bed import HERE, Hdfs, Link, Metastore, Place
from spark_ext.demo import tpch
from spark_ext.demo.outcome import Comparison, Outcome, Read
from spark_ext.demo.progress import Progress
from spark_ext.demo.workers import Worker

# pandas caches the one, then Spark scans it; Spark caches all of the other, then pandas reads it.
_FOR_SPARK, _FOR_PANDAS = "partsupp", "orders"
# How often `Progress.advance` is called: two starts, the data, tables, queries, and eight more reads and looks.
STEPS = 3 + len(tpch.TABLES) + 3 * (1 + len(tpch.QUERIES)) + 8


@dataclass
class Scenario:
    """The running parts and where to put things. options: those of hybridfs. link: between HDFS and its readers."""

    hdfs: Hdfs
    metastore: Metastore
    scratch: Path
    options: Mapping[str, Any]
    cores: int
    progress: Progress
    link: Link | None = None

    @property
    def near(self) -> Place:
        """Where Spark and pandas run."""
        return self.link.near if self.link else HERE

    def prepare(self, scale: float) -> None:
        """Make the data and write it through Spark to tables on HDFS."""
        local = self.scratch / "tpch"
        with self.progress.stage(f"TPC-H data of scale {scale:g}"):
            tpch.generate(scale, local)
            self.progress.advance()
        what = "tables written by Spark to hdfs:// and registered in the metastore"
        with self._spark("load", cached=False, at=self.hdfs.at) as spark, self.progress.stage(what) as say:
            for table in tpch.TABLES:
                say(table)
                spark.ask("load", table=table, path=str(local / f"{table}.parquet"))
                self.progress.advance()

    def measure(self) -> Outcome:
        """Run everything on plain HDFS, with an empty cache, and with the filled one."""
        with self._spark("plain", cached=False) as spark:
            plain = self._queries(spark, "Spark on plain HDFS")
            plain_scan = self._scan(spark, _FOR_SPARK, "on plain HDFS")
            partsupp, orders = (spark.ask("files", table=table) for table in (_FOR_SPARK, _FOR_PANDAS))
        with self._spark("cold", cached=True) as spark:
            cold = self._queries(spark, "Spark with an empty cache")
            self._scan(spark, _FOR_PANDAS, "and so caches all of it")
        plain_pandas = [self._pandas(urls, cached=False) for urls in (partsupp, orders)]
        cached_pandas = [self._pandas(urls, cached=True) for urls in (partsupp, orders)]
        with self._spark("warm", cached=True) as spark:
            warm = self._queries(spark, "Spark with the filled cache")
            warm_scan = self._scan(spark, _FOR_SPARK, "which pandas has cached")
        return Outcome(
            {name: Comparison(plain[name], cold[name], warm[name]) for name in plain},
            {
                f"pandas: {_FOR_SPARK}, not cached before": Comparison(plain_pandas[0], cold=cached_pandas[0]),
                f"Spark: {_FOR_SPARK}, cached by pandas": Comparison(plain_scan, warm=warm_scan),
                f"pandas: {_FOR_PANDAS}, cached by Spark": Comparison(plain_pandas[1], warm=cached_pandas[1]),
            },
            self._foreign_uris(),
        )

    def _queries(self, spark: Worker, what: str) -> dict[str, Read]:
        with self.progress.stage(what) as say:
            say("warming up the JVM")
            spark.ask("warm_up")
            self.progress.advance()
            reads = {}
            for name, sql in tpch.QUERIES.items():
                say(name)
                reads[name] = self._query(spark, sql)
                self.progress.advance()
            return reads

    def _query(self, spark: Worker, sql: str) -> Read:
        return self._measured(spark, "query", sql=sql)

    def _scan(self, spark: Worker, table: str, remark: str) -> Read:
        """Let Spark read every byte of a table."""
        with self.progress.stage(f"Spark scans {table}, {remark}"):
            read = self._query(spark, f"SELECT count(*), sum(hash(*)) FROM {table}")
            self.progress.advance()
        return read

    def _measured(self, worker: Worker, request: str, **arguments: Any) -> Read:
        served, counters, crossed = self.hdfs.served(), worker.ask("counters"), self._crossed()
        answer = worker.ask(request, **arguments)
        received = None if crossed is None else (self._crossed() or 0) - crossed
        moved = {name: count - counters.get(name, 0) for name, count in worker.ask("counters").items()}
        return Read(answer["seconds"], answer["result"], self.hdfs.served() - served, moved, received)

    def _crossed(self) -> int | None:
        """Bytes that have come over the link."""
        return self.link.crossed().received if self.link else None

    def _pandas(self, urls: list[str], cached: bool) -> Read:
        how = "through hybridfs" if cached else "from plain HDFS"
        env = self.hdfs.as_user(self.hdfs.superuser)
        with (
            self.progress.stage(f"pandas reads {urls[0].split('/')[-2]} {how}"),
            Worker("spark_ext.demo.pandas_worker", self.scratch / "pandas.log", env, self.near) as worker,
        ):
            read = self._measured(worker, "read", urls=urls, options=dict(self.options) if cached else None)
            self.progress.advance()
        return read

    def _foreign_uris(self) -> frozenset[str]:
        with self.progress.stage("URIs in the metastore"):
            held = self.metastore.uris()
            self.progress.advance()
        return frozenset(uri for uri in held if not uri.startswith(f"{self.hdfs.url}/"))

    @contextmanager
    def _spark(self, name: str, cached: bool, at: Place | None = None) -> Iterator[Worker]:
        place = at or self.near
        env = {"SPARK_LOCAL_IP": place.address, **self.hdfs.as_user(self.hdfs.superuser)}
        with Worker("spark_ext.demo.spark_worker", self.scratch / f"spark-{name}.log", env, place) as worker:
            with self.progress.stage(f"new Spark session, {'with hybridfs' if cached else 'plain'}"):
                worker.ask("open", conf=self.spark_conf(), options=dict(self.options) if cached else None)
            yield worker
            worker.ask("close")

    def spark_conf(self) -> dict[str, str]:
        """Properties of every session of the demo, hybridfs's apart."""
        temporary = self.scratch / "tmp"
        temporary.mkdir(exist_ok=True)
        # The slow compiler of the JVM would be at work during most of so short a run, each time at another moment.
        java = f"-Djava.io.tmpdir={temporary} -XX:-UsePerfData -XX:TieredStopAtLevel=1"
        return {
            **self.metastore.spark_conf(),
            "spark.app.name": "hybridfs demo",
            "spark.master": f"local[{self.cores}]",
            "spark.driver.memory": "1500m",
            "spark.driver.extraJavaOptions": java,
            "spark.local.dir": str(temporary),
            "spark.sql.shuffle.partitions": str(self.cores),
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
        }


def default_cores() -> int:
    """Cores that this process may use, at most 4: the demo is about bytes."""
    return min(4, len(os.sched_getaffinity(0)))

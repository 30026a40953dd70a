"""One Spark session in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spark_ext.demo.workers import serve

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DATABASE = "tpch"


def session(conf: Mapping[str, str], options: Mapping[str, Any] | None) -> SparkSession:
    """A session with these properties, with hybridfs when there are options."""
    from pyspark.sql import SparkSession

    import spark_ext

    builder = SparkSession.builder
    for name, value in conf.items():
        builder = builder.config(name, value)
    if options is not None:
        builder = spark_ext.configure(builder, **options)
    return builder.getOrCreate()


class SparkWorker:
    """Handlers of the requests; `open` comes first."""

    spark: SparkSession
    cached: bool

    def open(self, conf: Mapping[str, str], options: Mapping[str, Any] | None) -> None:
        """Start the session, with hybridfs when there are options."""
        self.cached = options is not None
        self.spark = session(conf, options)
        self.spark.sql(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        self.spark.sql(f"USE {DATABASE}")

    def load(self, table: str, path: str) -> None:
        """Write a local Parquet file as a table."""
        self.spark.read.parquet(f"file://{path}").write.saveAsTable(table, format="parquet")

    def warm_up(self) -> None:
        """Compile what queries have in common, on a table that none of them reads."""
        self.spark.range(2_000_000).selectExpr("id % 7 AS k", "id").groupBy("k").sum("id").orderBy("k").collect()
        self.spark.sql("SELECT r_name, count(*) FROM region GROUP BY r_name ORDER BY r_name").collect()

    def query(self, sql: str) -> dict[str, Any]:
        """Run a query; returns its time in seconds and, as result, its rows as text with all digits."""
        begun = time.perf_counter()
        rows = self.spark.sql(sql).collect()
        return {"seconds": time.perf_counter() - begun, "result": [repr(tuple(row)) for row in rows]}

    def files(self, table: str) -> list[str]:
        """URLs of a table's data files."""
        return sorted(self.spark.table(table).inputFiles())

    def counters(self) -> dict[str, int]:
        """The cache's counters, summed over the session's processes; none without hybridfs."""
        if not self.cached:
            return {}
        import spark_ext

        sums: dict[str, int] = {}
        for process in spark_ext.status(self.spark).processes:
            for name, count in process.counters.items():
                sums[name] = sums.get(name, 0) + count
        return sums

    def close(self) -> None:
        """End the session."""
        self.spark.stop()


if __name__ == "__main__":
    worker = SparkWorker()
    names = ("open", "load", "warm_up", "query", "files", "counters", "close")
    serve({name: getattr(worker, name) for name in names})

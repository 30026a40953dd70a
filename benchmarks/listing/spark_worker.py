"""One Spark driver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from benchmarks.meter import measured
from spark_ext.demo.spark_worker import session
from spark_ext.demo.workers import serve

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_BATCH = 500  # partitions that one statement adds


class SparkWorker:
    """Handlers of the requests; `open` comes first."""

    spark: SparkSession

    def open(self, conf: Mapping[str, str], options: Mapping[str, Any] | None) -> None:
        """Starts a session, with hybridfs if there are options."""
        self.spark = session(conf, options)
        self.spark.sql("SELECT count(*) FROM range(10) WHERE id = 7").collect()  # classes get loaded, no file is read

    def read(self, url: str) -> dict[str, float]:
        """`spark.read.parquet`, which lists all files; returns what `measured` does and, not measured, their number."""
        frames = []
        cost = measured(lambda: frames.append(self.spark.read.parquet(url)) or 0)  # type: ignore[func-returns-value]
        return {**cost, "amount": len(frames[0].inputFiles())}

    def query(self, sql: str) -> dict[str, float]:
        """The one number that a query gives; returns what `measured` does."""
        return measured(lambda: int(self.spark.sql(sql).collect()[0][0]))

    def register(self, name: str, url: str, partitions: int) -> None:
        """Makes a table of the metastore with the partitions p=00000, p=00001, …"""
        self.spark.sql(
            f"CREATE EXTERNAL TABLE {name} (v BIGINT) PARTITIONED BY (p STRING) STORED AS PARQUET LOCATION '{url}'"
        )
        for first in range(0, partitions, _BATCH):
            added = " ".join(f"PARTITION (p='{p:05}')" for p in range(first, min(first + _BATCH, partitions)))
            self.spark.sql(f"ALTER TABLE {name} ADD {added}")

    def close(self) -> None:
        """Ends the session."""
        self.spark.stop()


if __name__ == "__main__":
    worker = SparkWorker()
    serve({name: getattr(worker, name) for name in ("open", "read", "query", "register", "close")})

"""Scans in one Spark session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from benchmarks.meter import measured
from spark_ext.demo.workers import serve

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PLAIN = "org.apache.hadoop.hdfs.DistributedFileSystem"


class SparkWorker:
    """Handlers of the requests; `open` comes first."""

    spark: SparkSession

    def open(self, conf: Mapping[str, str], options: Mapping[str, Any], bare: str) -> None:
        """Starts a session with hybridfs, in which URLs that begin with `bare` are served by Hadoop's own client."""
        from pyspark.sql import SparkSession

        import spark_ext

        builder = SparkSession.builder
        for name, value in conf.items():
            builder = builder.config(name, value)
        self.spark = spark_ext.configure(builder, **options).getOrCreate()
        self._keep_bare(bare)

    def _keep_bare(self, url: str) -> None:
        """Hadoop keeps the first file system that it makes for a scheme and authority: let it be the plain one."""
        context: Any = self.spark.sparkContext
        jvm = context._jvm
        configuration = jvm.org.apache.hadoop.conf.Configuration(context._jsc.hadoopConfiguration())
        configuration.set("fs.hdfs.impl", _PLAIN)
        made = jvm.org.apache.hadoop.fs.FileSystem.get(jvm.java.net.URI(url), configuration)
        if made.getClass().getName() != _PLAIN:
            raise RuntimeError(f"{url} is served by {made.getClass().getName()}, not by {_PLAIN}")

    def scan(self, url: str) -> dict[str, float]:
        """Reads all columns of a Parquet file and throws them away; returns what `measured` does."""
        return measured(lambda: self._scan(url))

    def _scan(self, url: str) -> int:
        self.spark.read.parquet(url).write.format("noop").mode("overwrite").save()
        return 1

    def close(self) -> None:
        """Ends the session."""
        self.spark.stop()


if __name__ == "__main__":
    worker = SparkWorker()
    serve({name: getattr(worker, name) for name in ("open", "scan", "close")})

"""A driver that tells how queries are planned and what streams have found."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame

import spark_ext
from tests.spark import worker


def forget() -> None:
    """Spark itself remembers the files of tables in the metastore; from now on it does not."""
    spark = worker.session()
    for table in spark.catalog.listTables():
        if not table.isTemporary:
            spark.catalog.refreshTable(table.name)


def statement(text: str) -> list[list[Any]]:
    """Rows of a statement, sorted; errors are raised."""
    return sorted(list(row) for row in worker.session().sql(text).collect())


def plan(text: str) -> list[str]:
    """How a query without a shuffle cuts its data: for each task the files, their first bytes and how many."""
    return splits(worker.session().sql(text))


def load(url: str, form: str, schema: str) -> tuple[list[list[Any]], list[str]]:
    """Rows and splits of what is under a path, with its partitions."""
    frame = worker.session().read.schema(schema).format(form).load(url)
    return sorted(list(row) for row in frame.collect()), splits(frame)


def files(url: str) -> list[str]:
    """All files under a path, as Spark finds them for `read.parquet`; nothing is read."""
    return sorted(worker.session().read.schema("id BIGINT").parquet(url).inputFiles())


def splits(frame: DataFrame) -> list[str]:
    return sorted(_ranges(part) for part in frame._jdf.queryExecution().toRdd().partitions())


def _ranges(part: Any) -> str:
    kind = part.getClass().getSimpleName()
    if kind == "UnionPartition":
        return _ranges(part.parentPartition())
    if kind == "HadoopPartition":
        return str(part.inputSplit().value().toString())
    assert kind == "FilePartition", kind
    return " ".join(f"{f.filePath()}:{f.start()}+{f.length()}" for f in part.files())


def stream(url: str, checkpoint: str, options: dict[str, str]) -> list[list[str]]:
    """Lines of text, in batches, that a streaming query finds that has not seen them yet."""
    batches: list[list[str]] = []

    def take(frame: DataFrame, _number: int) -> None:
        batches.append([row.value for row in frame.collect()])

    source = worker.session().readStream.schema("value STRING").format("text").options(**options).load(url)
    writer = source.writeStream.foreachBatch(take).option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start().awaitTermination()
    return [batch for batch in batches if batch]


def start_stream(url: str, checkpoint: str) -> None:
    """A streaming query that goes on; `seen_by_stream` tells what it found."""
    source = worker.session().readStream.schema("value STRING").text(url)
    writer = source.writeStream.format("memory").queryName("live").option("checkpointLocation", checkpoint)
    writer.trigger(processingTime="0 seconds").start()


def seen_by_stream() -> list[str]:
    """All that it found, once it has processed what was there at this call."""
    spark = worker.session()
    (query,) = spark.streams.active
    query.processAllAvailable()
    return sorted(row.value for row in spark.table("live").collect())


def stop_stream() -> None:
    (query,) = worker.session().streams.active
    query.stop()


def explain(url: str) -> dict[str, Any] | None:
    return spark_ext.explain_listing(worker.session(), url)


_OWN = (forget, statement, plan, load, files, stream, start_stream, seen_by_stream, stop_stream, explain)

if __name__ == "__main__":
    worker.main({**worker.COMMANDS, **{command.__name__: command for command in _OWN}})

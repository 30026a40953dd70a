"""A Spark driver of its own that does what the test asks for over a socket: `worker.py SOCKET`.

A process each, because a JVM keeps its class paths, its user and its cached file systems for life.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any

import pyspark
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

import spark_ext

SCAN = "count(*) AS n", "sum(id) AS ids", "bit_xor(xxhash64(*)) AS hash"


def builder(master: str, conf: dict[str, str]) -> SparkSession.Builder:
    """A session without hybridfs, small, quick to start and reachable only from this host."""
    lean = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"
    small = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": lean,
        "spark.executor.extraJavaOptions": lean,
        "spark.sql.shuffle.partitions": "2",
        "spark.log.level": "ERROR",
    }
    return SparkSession.builder.master(master).config(map={**small, **conf})


def session() -> SparkSession:
    running = SparkSession.getActiveSession()
    assert running is not None
    return running


def start(master: str = "local[2]", conf: dict[str, str] | None = None) -> str:
    """A session without our help; what is configured otherwise (command line, defaults) holds. Returns its version."""
    return builder(master, conf or {}).getOrCreate().version


def configure(master: str = "local[2]", conf: dict[str, str] | None = None, **options: Any) -> None:
    spark_ext.configure(builder(master, conf or {}), **options).getOrCreate()


def attach(**options: Any) -> None:
    spark_ext.attach(session(), **options)


def stop() -> None:
    session().stop()


def write(url: str, form: str = "parquet", rows: int = 50_000, files: int = 4) -> None:
    """`rows` rows of two columns in `files` files."""
    frame = session().range(0, rows, 1, files).selectExpr("id", "md5(cast(id AS string)) AS text")
    (frame.selectExpr("concat_ws(',', id, text) AS value") if form == "text" else frame).write.format(form).save(url)


def copy_jar(url: str) -> None:
    """Put some jar of Spark's own on HDFS."""
    context: Any = session().sparkContext
    path, conf = context._jvm.org.apache.hadoop.fs.Path, context._jsc.hadoopConfiguration()
    source = next((Path(pyspark.__file__).parent / "jars").glob("py4j-*.jar"))
    path(url).getFileSystem(conf).copyFromLocalFile(path(str(source)), path(url))


def scan(url: str, form: str = "parquet") -> list[Any]:
    """Count and sums that every byte of the data has a part in."""
    frame = session().read.format(form).load(url)
    columns = SCAN if "id" in frame.columns else (SCAN[0], SCAN[2])
    return list(frame.selectExpr(*columns).first() or ())


def status() -> spark_ext.Status:
    return spark_ext.status(session())


def setting(name: str) -> str:
    """Of the session, and so of the queries to come."""
    return str(session().conf.get(name))


def options_of_python(names: list[str]) -> list[list[str]]:
    """The values of some options in the driver's own Python, and in that of a worker."""

    def seen(_: object) -> list[str]:
        from hybridfs import HybridFileSystem

        settings = HybridFileSystem(target_protocol="memory", skip_instance_cache=True)._settings
        return [str(getattr(settings, name)) for name in names]

    return [seen(None), *session().sparkContext.parallelize([0], 1).map(seen).collect()]


def neutral(value: object, base: str) -> str:
    """A value as text, without what differs between two runs: the directory and the times."""
    text = str(value).replace(base, "${base}")
    return re.sub(r"'transient_lastDdlTime' = '\d+'", "'transient_lastDdlTime' = 'T'", text)


def sql(statement: str, base: str) -> dict[str, Any]:
    """What a statement gives: rows as text, or the kind of its error."""
    try:
        rows = session().sql(statement.replace("${base}", base)).collect()
    except PySparkException as error:
        return {"error": [type(error).__name__, error.getCondition(), root_class(error)]}
    return {"rows": [[neutral(value, base) for value in row] for row in rows]}


def root_class(error: PySparkException) -> str | None:
    """The Java class of the innermost cause, where there is one."""
    cause = getattr(error, "_origin", None)
    while cause is not None and cause.getCause() is not None:
        cause = cause.getCause()
    return None if cause is None else str(cause.getClass().getName())


Commands = Mapping[str, Callable[..., Any]]
COMMANDS: Commands = {
    f.__name__: f
    for f in (start, configure, attach, stop, write, copy_jar, scan, status, setting, options_of_python, sql)
}


def answer(request: tuple[str, dict[str, Any]], commands: Commands) -> tuple[bool, Any]:
    """(True, result), or (False, text of the error with its class)."""
    name, arguments = request
    try:
        return True, commands[name](**arguments)
    except Exception as error:
        return False, f"{type(error).__name__}: {error}"


def main(commands: Commands = COMMANDS) -> None:
    with Listener(sys.argv[1], "AF_UNIX") as listener, listener.accept() as connection:
        while (request := connection.recv()) is not None:
            connection.send(answer(request, commands))
    if pyspark.SparkContext._active_spark_context is not None:
        pyspark.SparkContext._active_spark_context.stop()


if __name__ == "__main__":
    main()

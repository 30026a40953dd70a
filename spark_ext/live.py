"""What has to be done inside JVMs that run already: class loaders, cached file systems, questions to all executors.

`java_method` runs a static method where a task runs, so a tiny SQL job reaches executors without any plugin.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spark_ext.jar import SparkSetupError

if TYPE_CHECKING:
    from py4j.java_gateway import JVMView
    from pyspark.sql import SparkSession

SNAPSHOT = "java_method('io.hybridfs.Stats', 'snapshot')"
CLOSE_ALL = "java_method('org.apache.hadoop.fs.FileSystem', 'closeAll')"
ROUNDS = 6
_FIRST_PAUSE_MS = 20


def load_jar(jvm: JVMView, path: str) -> None:
    """Make the classes of a jar known to all threads of the driver that were started by Spark.

    The nearest class loader that takes further jars is the application's own, parent of the one per session; one
    that knows the class already is left alone.
    """
    url = jvm.java.io.File(path).toURI().toURL()
    loader = _open_loader(jvm)
    if url.toString() not in [u.toString() for u in loader.getURLs()]:
        loader.addURL(url)


def _open_loader(jvm: JVMView) -> Any:
    """The outermost class loader of the application that has a public `addURL`."""
    mutable = jvm.java.lang.Class.forName("org.apache.spark.util.MutableURLClassLoader")
    loader, found = jvm.java.lang.Thread.currentThread().getContextClassLoader(), None
    while loader is not None:
        if mutable.isInstance(loader):
            found = loader
        loader = loader.getParent()
    if found is None:
        raise SparkSetupError(
            "this driver was not started by spark-submit or by Python, so no jar can be added to it: give it "
            "hybridfs.jar on its class path, with the lines of `python -m spark_ext conf`."
        )
    return found


def forget_file_systems(jvm: JVMView, scheme: str, keep: str) -> int:
    """Take file systems of a scheme out of Hadoop's cache, so that the next use makes one of the class configured.

    They are not closed: whoever holds one (the event log, a running task) keeps a working one. Those whose class is
    `keep` stay. Returns how many were taken out.
    """
    cache = _static_field(jvm, "org.apache.hadoop.fs.FileSystem", "CACHE")
    held = _field(cache, "map")
    old = [key for key in held.keySet().toArray() if _is_other(held.get(key), scheme, keep)]
    for key in old:
        held.remove(key)
    return len(old)


def _is_other(file_system: Any, scheme: str, keep: str) -> bool:
    return bool(file_system.getUri().getScheme() == scheme and file_system.getClass().getName() != keep)


def _static_field(jvm: JVMView, class_name: str, field: str) -> Any:
    declared = jvm.java.lang.Class.forName(class_name).getDeclaredField(field)
    declared.setAccessible(True)
    return declared.get(None)


def _field(owner: Any, field: str) -> Any:
    declared = owner.getClass().getDeclaredField(field)
    declared.setAccessible(True)
    return declared.get(owner)


def executor_count(spark: SparkSession) -> int:
    """Live executors, the driver not counted (in local mode there is none beside it)."""
    return int(spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size()) - 1


def snapshot(spark: SparkSession) -> str:
    """The driver's own counters as JSON."""
    jvm: Any = spark.sparkContext._jvm
    return str(jvm.io.hybridfs.Stats.snapshot())


def ask_executors(spark: SparkSession, call: str = SNAPSHOT) -> dict[str, str]:
    """Evaluate a `java_method` expression on every executor, in at most `ROUNDS` jobs.

    Returns:
        what it gave, by the id of the process; fewer than `executor_count` if executors were busy or went.
    """
    answers: dict[str, str] = {}
    pause = _FIRST_PAUSE_MS
    for _ in range(ROUNDS):
        if len(answers) >= executor_count(spark):
            break
        answers |= _ask(spark, call, pause)
        pause *= 3
    return answers


def close_on_executors(spark: SparkSession) -> int:
    """Close all file systems of executors that are processes of their own; returns how many did not answer.

    Only this can be called there before our jar has a say in it. Hadoop makes new ones when they are asked for.
    """
    return executor_count(spark) - len(ask_executors(spark, CLOSE_ALL))


def _ask(spark: SparkSession, call: str, pause_ms: int) -> dict[str, str]:
    """One job with two tasks for each core; each task rests, so that no executor takes the tasks of another."""
    context = spark.sparkContext
    tasks = max(context.defaultParallelism, executor_count(spark)) * 2
    with _described(spark, "hybridfs asks each executor"):
        rows = (
            spark.range(0, tasks, 1, tasks)
            .selectExpr(
                f"{call} AS answer",
                f"get_json_object({SNAPSHOT}, '$.process') AS process",
                f"java_method('java.lang.Thread', 'sleep', {pause_ms}L) AS rested",
            )
            .collect()
        )
    return {row["process"]: row["answer"] for row in rows}


@contextmanager
def _described(spark: SparkSession, text: str) -> Iterator[None]:
    """Name the jobs inside in Spark's UI, and give the caller's own name back after."""
    context = spark.sparkContext
    before = context.getLocalProperty("spark.job.description")
    context.setJobDescription(text)
    try:
        yield
    finally:
        context._jsc.setLocalProperty("spark.job.description", before)

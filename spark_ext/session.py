"""Ways into Spark: `configure` before a session, `attach` into one that runs, `conf` for spark-submit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spark_ext import driver_options, jar, live, settings
from spark_ext.jar import SparkSetupError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_CONNECT = (
    "this is Spark Connect: its file systems are the server's. Put the lines of `python -m spark_ext conf` into the "
    "spark-defaults.conf of the server."
)


def configure(builder: SparkSession.Builder, **options: Any) -> SparkSession.Builder:
    """Let a session that is yet to be made read `hdfs://` through the cache; returns the builder.

    >>> spark = configure(SparkSession.builder, cache_dir="/ssd/cache", disk="200GiB").getOrCreate()  # doctest: +SKIP

    `spark.jars` and the class paths are added to; nothing that is configured is overwritten. The application gets a
    name of its own for `fill_limit`, unless `application` is given or configured. Python, in the driver and in
    workers, reads `hybridfs://` with the same options (`spark.executorEnv.FSSPEC_HYBRIDFS_…`), unless it has others.

    Args:
        builder: `SparkSession.builder`, with or without settings of its own.
        options: those of `hybridfs`, such as `cache_dir`, `disk`, `memory`, `freshness`.

    Raises:
        BadOption: an option is unknown or its value cannot be used.
        SparkSetupError: the jar, Spark or Java does not fit, another file system stands for `hdfs://`, or a session
            without hybridfs runs already (use `attach`).
    """
    import pyspark

    set_already = dict(builder._options)
    _refuse_connect(set_already)
    version = jar.check_spark(pyspark.__version__)
    if pyspark.SparkContext._active_spark_context is not None:
        return _join_running(builder, pyspark.SparkContext._active_spark_context, options)
    if _jvm_runs():
        merged = _prepare_jvm(set_already, options)
    else:
        jar.check_java(version)
        lookup = settings.configured(set_already)
        merged = _wanted(options, lookup)
        settings.check_command_line(merged)
    _lend(merged)
    return _apply(builder, merged)


def _lend(properties: Mapping[str, str]) -> None:
    prefix = settings.EXECUTOR_ENV
    found = {key.removeprefix(prefix): value for key, value in properties.items() if key.startswith(prefix)}
    driver_options.lend(found)


def _wanted(options: dict[str, Any], lookup: settings.Lookup) -> dict[str, str]:
    """What the session needs, joined with what is configured. Raises SparkSetupError where the two do not agree."""
    new = settings.named(settings.wanted(options, lookup("spark.master")), lookup)
    new = settings.listing(new, lookup)
    return settings.merge(_with_python(options, new, lookup), lookup)


def _with_python(options: dict[str, Any], new: dict[str, str], lookup: settings.Lookup) -> dict[str, str]:
    environment = settings.python_environment(options, new, lookup)
    return new | {settings.EXECUTOR_ENV + name: value for name, value in environment.items()}


def _apply(builder: SparkSession.Builder, properties: dict[str, str]) -> SparkSession.Builder:
    for key, value in properties.items():
        builder.config(key, value)
    return builder


def _refuse_connect(builder_options: dict[str, Any]) -> None:
    remote = builder_options.get("spark.remote") or os.environ.get("SPARK_REMOTE")
    mode = builder_options.get("spark.api.mode") or os.environ.get("SPARK_API_MODE")
    if remote or mode == "connect":
        raise SparkSetupError(_CONNECT)


def _join_running(builder: SparkSession.Builder, context: Any, options: dict[str, Any]) -> SparkSession.Builder:
    """A notebook cell that is run again asks for what runs: that is fine, anything else needs `attach`."""
    running = context._jsc.hadoopConfiguration()
    for key, value in {settings.HDFS_IMPL: settings.SHIM, **settings.option_keys(options)}.items():
        if running.get(key.removeprefix(settings.HADOOP)) != value:
            raise SparkSetupError(
                f"a Spark session runs already, with {key.removeprefix(settings.HADOOP)} = "
                f"{running.get(key.removeprefix(settings.HADOOP))} and not {value}: configure() is for one that is "
                "yet to be made. Use spark_ext.attach(spark, ...), or stop that session first."
            )
    return builder


def _jvm_runs() -> bool:
    """Whether the driver's JVM is there before its session: under spark-submit, or after `spark.stop()`."""
    from pyspark import SparkContext

    return SparkContext._gateway is not None or "PYSPARK_GATEWAY_PORT" in os.environ


def _prepare_jvm(builder_options: dict[str, Any], options: dict[str, Any]) -> dict[str, str]:
    """Class paths cannot change any more: load the jar, and let plain file systems of an earlier session go."""
    from pyspark import SparkConf, SparkContext

    SparkContext._ensure_initialized()
    jvm = SparkContext._jvm
    lookup = settings.first_of(builder_options, dict(SparkConf().getAll()))
    merged = _wanted(options, lookup)
    live.load_jar(jvm, jar.path())
    live.forget_file_systems(jvm, "hdfs", settings.SHIM)
    return merged


def attach(spark: SparkSession, **options: Any) -> SparkSession:
    """Let a session that runs already read `hdfs://` through the cache; returns the session.

    Best done before the session reads anything, and while no job runs: executors that have read from `hdfs://` have
    all their file systems closed, so a task in flight there fails and is tried again. Executors that come later are
    served, too, unless the session has jars on `hdfs://`. Prefer `configure` where you make the session.

    Args:
        spark: a session that is not a Spark Connect one.
        options: as of `configure`.

    Raises:
        BadOption: an option is unknown or its value cannot be used.
        SparkSetupError: the jar or Spark does not fit, another file system stands for `hdfs://`, hybridfs is there
            with other options, or not all executors could be reached.
    """
    require_classic(spark)
    jar.check_spark(spark.version)
    context = spark.sparkContext
    properties = _hadoop_properties(context, options)
    jvm: Any = context._jvm
    live.load_jar(jvm, jar.path())
    context._jsc.addJar(jar.path())
    for key, value in properties.items():
        context._jsc.hadoopConfiguration().set(key, value)
    _list_on_driver(spark)
    _lend_to_running(context, options)
    live.forget_file_systems(jvm, "hdfs", settings.SHIM)
    if deaf := live.close_on_executors(spark):
        raise SparkSetupError(
            f"{deaf} executor(s) did not answer in time and may read hdfs:// without the cache, all others use it. "
            "Call attach again when fewer jobs run."
        )
    return spark


def _list_on_driver(spark: SparkSession) -> None:
    """For this session and for those that the application makes later, unless it says otherwise."""
    threshold = settings.listing({}, _running(spark.sparkContext)).get(settings.LISTING_THRESHOLD)
    session: Any = spark._jsparkSession
    if threshold and not session.sessionState().conf().contains(settings.LISTING_THRESHOLD):
        spark.conf.set(settings.LISTING_THRESHOLD, threshold)
        session.sparkContext().conf().set(settings.LISTING_THRESHOLD, threshold)


def _running(context: Any) -> settings.Lookup:
    """Spark properties of Hadoop, as a live session has them."""
    conf = context._jsc.hadoopConfiguration()
    return lambda key: conf.get(key.removeprefix(settings.HADOOP))


def _lend_to_running(context: Any, options: dict[str, Any]) -> None:
    """Gives Python in the driver, and in workers of jobs to come, the options that the session has by now."""
    found = settings.python_environment(options, {}, _running(context))
    for name, value in found.items():
        context.environment.setdefault(name, value)
    driver_options.lend({name: context.environment[name] for name in found})


def require_classic(spark: SparkSession) -> None:
    if ".connect." in type(spark).__module__:
        raise SparkSetupError(_CONNECT)


def require_hybridfs(spark: SparkSession) -> None:
    """Raises SparkSetupError if this is a Spark Connect session, or one without hybridfs."""
    require_classic(spark)
    if _running(spark.sparkContext)(settings.OWN_IMPL) != settings.SHIM:
        raise SparkSetupError("this session has no hybridfs: use spark_ext.configure before it, or spark_ext.attach.")


def _hadoop_properties(context: Any, options: dict[str, Any]) -> dict[str, str]:
    """Hadoop properties to set in a live session. Raises SparkSetupError where one has another value."""
    lookup = _running(context)
    new = {settings.HDFS_IMPL: settings.SHIM, settings.OWN_IMPL: settings.SHIM}
    new |= settings.option_keys(options)
    merged = settings.merge(settings.named(new, lookup), lookup)
    return {key.removeprefix(settings.HADOOP): value for key, value in merged.items()}


def conf(master: str | None = None, /, **options: Any) -> dict[str, str]:
    """Spark properties for spark-defaults.conf or `spark-submit --conf`.

    Without `application` each process of a Spark application has a `fill_limit` of its own.

    Args:
        master: `spark.master`, if known: YARN needs one more entry of the class path.
        options: as of `configure`.

    Raises:
        BadOption: an option is unknown or its value cannot be used.
        SparkSetupError: this installation has no jar.
    """
    nothing: dict[str, str] = {}
    return _with_python(options, settings.listing(settings.wanted(options, master), nothing.get), nothing.get)

"""What has to stand in Spark's configuration, and how it joins what the user has there. Starts no JVM."""

from __future__ import annotations

import os
import re
import shlex
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from hybridfs.config import OPTIONS, hadoop_options
from hybridfs.config import settings as parse_options
from hybridfs.origin import hadoop_conf
from spark_ext import driver_options, jar
from spark_ext.jar import SparkSetupError

SHIM = "io.hybridfs.HybridFileSystem"
PLAIN = "org.apache.hadoop.hdfs.DistributedFileSystem"
HADOOP = "spark.hadoop."
HDFS_IMPL = "spark.hadoop.fs.hdfs.impl"
OWN_IMPL = "spark.hadoop.fs.hybridfs.impl"
EXECUTOR_ENV = "spark.executorEnv."
LISTING_THRESHOLD = "spark.sql.sources.parallelPartitionDiscovery.threshold"
APPLICATION = HADOOP + OPTIONS["application"].hadoop_key
_SHARED = tuple(option for option in OPTIONS.values() if option.hadoop)
_PYTHONS = tuple(option for option in OPTIONS.values() if not option.hadoop)
# Lists, with what separates their items: ours is added to what is there.
LISTS = {"spark.jars": ",", "spark.driver.extraClassPath": ":", "spark.executor.extraClassPath": ":"}
# Of these the command line wins over anything that is set later.
LAUNCH_ONLY = ("spark.driver.extraClassPath",)
_SUBMIT_FLAGS = {
    "--jars": "spark.jars",
    "--driver-class-path": "spark.driver.extraClassPath",
    "--master": "spark.master",
}

Lookup = Callable[[str], str | None]


def option_keys(options: Mapping[str, Any]) -> dict[str, str]:
    """Options as Spark properties, over those that fsspec's configuration or environment gives to Python.

    Raises:
        BadOption: an option is unknown or its value cannot be used.
    """
    return {HADOOP + key: value for key, value in hadoop_options(**{**driver_options.given(), **options}).items()}


def python_environment(options: Mapping[str, Any], new: Mapping[str, str], existing: Lookup) -> dict[str, str]:
    """The environment in which Python workers have the same options as the session's JVMs.

    Args:
        options: as a user gave them.
        new: what is to be set in Spark's configuration.
        existing: what is there.
    """
    found = {option: new.get(HADOOP + option.hadoop_key) or existing(HADOOP + option.hadoop_key) for option in _SHARED}
    given = {**driver_options.given(), **options}
    found |= {option: option.write(option.parse(given[option.name])) for option in _PYTHONS if option.name in given}
    return {option.environment: value for option, value in found.items() if value is not None}


def wanted(options: Mapping[str, Any], master: str | None) -> dict[str, str]:
    """All Spark properties of a session with hybridfs, as if nothing else were configured.

    The jar is on the class paths, too: an executor that fetches another jar from hdfs:// and YARN's
    ApplicationMaster need the class before they have read `spark.jars`. YARN puts `spark.jars` into the working
    directory of its containers, hence the bare name there; a path that does not exist on a host does no harm. Python
    workers there find the cluster by the submitter's Hadoop configuration, which Spark puts into that directory, too.
    """
    path = jar.path()
    on_yarn = (master or "").startswith("yarn")
    class_path = f"{path}:{jar.NAME}" if on_yarn else path
    return {
        "spark.jars": path,
        "spark.driver.extraClassPath": class_path,
        "spark.executor.extraClassPath": class_path,
        HDFS_IMPL: SHIM,
        OWN_IMPL: SHIM,
        **({EXECUTOR_ENV + "HADOOP_CONF_DIR": "__spark_conf__/__hadoop_conf__"} if on_yarn else {}),
        **option_keys(options),
    }


def named(new: dict[str, str], existing: Lookup) -> dict[str, str]:
    """``new`` with a name of its own for one Spark application, whose fills are added up, unless it has one."""
    if APPLICATION in new or existing(APPLICATION):
        return new
    return new | {APPLICATION: f"spark-{uuid.uuid4()}"}


def listing(new: dict[str, str], existing: Lookup) -> dict[str, str]:
    """``new`` with a driver that lists all directories itself, where listings are cached.

    From 33 directories on Spark lists them by a job with a task for each: 10,000 tasks would ask the NameNode one by
    one for what the driver gets by 100, and the cache of the driver's host would not be used.

    Raises:
        BadOption: the value of an option that is configured already cannot be used.
    """
    if not _lists_through_cache(lambda key: new.get(key) or existing(key)):
        return new
    return new | {LISTING_THRESHOLD: str(2**31 - 1)}


def _lists_through_cache(lookup: Lookup) -> bool:
    names = ("enabled", "listings", "freshness")
    found = {name: value for name in names if (value := lookup(HADOOP + OPTIONS[name].hadoop_key))}
    options = parse_options(**found)
    return options.enabled and options.listings != "origin" and options.freshness > 0


def merge(new: Mapping[str, str], existing: Lookup) -> dict[str, str]:
    """`new` joined with what is configured already; lists grow, other values must agree.

    What the user set for Python's environment, or for how Spark lists, stays.

    Raises:
        SparkSetupError: a property has another value already.
    """
    return {key: _joined(key, value, existing(key)) for key, value in new.items()}


def _joined(key: str, new: str, old: str | None) -> str:
    if not old:
        return new
    if key.startswith(EXECUTOR_ENV) or key == LISTING_THRESHOLD:
        return old
    if key in LISTS:
        return join_list(old, new, LISTS[key])
    if old != new and (key, old) != (HDFS_IMPL, PLAIN):
        raise SparkSetupError(_conflict(key, new, old))
    return new


def join_list(old: str, new: str, separator: str) -> str:
    """The items of both, each once, in order."""
    items = [item.strip() for text in (old, new) for item in text.split(separator)]
    return separator.join(dict.fromkeys(item for item in items if item))


def _conflict(key: str, new: str, old: str) -> str:
    if key == HDFS_IMPL:
        return (
            f"{key} is already {old}: two file systems cannot both stand for hdfs://. Remove that setting "
            f"(hybridfs needs {new}), or use hybridfs:// URLs without configure."
        )
    return f"{key} is already {old!r} and {new!r} was asked for; hybridfs overwrites nothing. Remove one of the two."


def configured(builder_options: Mapping[str, Any]) -> Lookup:
    """What a session would find when its JVM starts: builder, then command line, then spark-defaults.conf."""
    flags, properties_file = submit_arguments(os.environ.get("PYSPARK_SUBMIT_ARGS", ""))
    defaults = read_properties(properties_file or conf_dir() / "spark-defaults.conf")

    return first_of(builder_options, flags, defaults)


def first_of(*sources: Mapping[str, Any]) -> Lookup:
    """The value in the first of the sources that has the key; a site's own class for hdfs:// counts, too."""

    def lookup(key: str) -> str | None:
        for source in sources:
            if key in source:
                return str(source[key])
        return hadoop_conf.load().get(key.removeprefix(HADOOP)) if key == HDFS_IMPL else None

    return lookup


def check_command_line(new: Mapping[str, str]) -> None:
    """Raises SparkSetupError where the command line would hide a property from the JVM that it starts."""
    flags, _ = submit_arguments(os.environ.get("PYSPARK_SUBMIT_ARGS", ""))
    for key in LAUNCH_ONLY:
        if key in flags and jar.path() not in flags[key].split(LISTS[key]):
            raise SparkSetupError(
                f"PYSPARK_SUBMIT_ARGS sets {key} to {flags[key]}, and the command line wins over the builder. "
                f"Write {new[key]} there, or take it out."
            )


def submit_arguments(text: str) -> tuple[dict[str, str], Path | None]:
    """Properties that a spark-submit command line sets, and its --properties-file."""
    found: dict[str, str] = {}
    properties_file = None
    words = iter(shlex.split(text))
    for word in words:
        flag, has_value, value = word.partition("=")
        if flag in ("--conf", "-c", "--properties-file", *_SUBMIT_FLAGS):
            value = value if has_value else next(words, "")
            if flag in _SUBMIT_FLAGS:
                found[_SUBMIT_FLAGS[flag]] = value
            elif flag == "--properties-file":
                properties_file = Path(value)
            else:
                key, _, setting = value.partition("=")
                found[key] = setting
    return found, properties_file


def conf_dir() -> Path:
    """Directory of spark-defaults.conf: SPARK_CONF_DIR, or `conf` of SPARK_HOME or of the pyspark package."""
    if given := os.environ.get("SPARK_CONF_DIR"):
        return Path(given)
    import pyspark

    return Path(os.environ.get("SPARK_HOME") or os.path.dirname(pyspark.__file__)) / "conf"


_PROPERTY = re.compile(r"\s*([^\s=:#!]+)(?:\s*[=:]\s*|\s+)(.*?)\s*")


def read_properties(path: Path) -> dict[str, str]:
    """`key value`, `key=value` or `key: value` lines; a file that is not there has none."""
    try:
        lines: Iterable[str] = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    matches = (_PROPERTY.fullmatch(line) for line in lines)
    return {m[1]: m[2] for m in matches if m}

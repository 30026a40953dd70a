"""A Spark driver on a cluster that does what a test asks for over a socket: `cluster_worker.py SOCKET`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from spark_ext import live
from tests.spark import worker
from tests.spark.worker import session

Found = dict[str, Any]


def ask(call: str) -> list[str]:
    """What a `java_method` expression gives on each executor."""
    return sorted(live.ask_executors(session(), call).values())


def files(url: str) -> list[str]:
    """URLs of a Parquet table's files."""
    return sorted(session().read.parquet(url).inputFiles())


def read_file(url: str) -> int:
    """The length of a file that an executor reads whole."""
    row = session().read.format("binaryFile").load(url).selectExpr("sum(length(content))").first()
    return int(row[0]) if row else 0


def python_read(url: str, **options: Any) -> list[Found]:
    """Each of two Python workers on executors reads the file of a hybridfs:// URL; an error is given as text."""

    def read(_: Iterable[int]) -> Iterator[Found]:
        import hashlib

        import fsspec

        import hybridfs

        found: Found = {"pid": os.getpid(), "home": os.environ.get("HOME"), "user": os.environ.get("HADOOP_USER_NAME")}
        try:
            with fsspec.open(url, **options) as file:
                found |= {"sha256": hashlib.sha256(file.read()).hexdigest()}
        except Exception as error:
            found |= {"error": f"{type(error).__name__}: {error}"}
        yield found | {"stats": hybridfs.stats()}

    return list(session().sparkContext.parallelize(range(2), 2).mapPartitions(read).collect())


COMMANDS = {**worker.COMMANDS, **{f.__name__: f for f in (ask, files, python_read, read_file)}}


if __name__ == "__main__":
    worker.main(COMMANDS)

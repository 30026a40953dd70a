"""Reads of one file through the cache, each in a process of its own, as whom the environment says."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from spark_ext.bed import Hdfs
from tests.python.support import run_python
from tests.spark.conftest import Driver, RefusedError

WORKER = str(Path(__file__).with_name("reading_worker.py"))
_PYTHON = """
import hashlib, json, sys, fsspec
url, options = sys.argv[1], json.loads(sys.argv[2])
try:
    with fsspec.open(url, **options) as file:
        print(hashlib.sha256(file.read()).hexdigest())
except OSError as error:
    print(f"refused: {type(error).__name__}: {error}")
"""


def digest(data: bytes) -> str:
    """What the readers below give for a file with these bytes."""
    return hashlib.sha256(data).hexdigest()


def in_python(hdfs: Hdfs, environment: Mapping[str, str], path: str, cache_dir: Path, **options: Any) -> str:
    """The digest of the file as hybridfs reads it; RefusedError with the class and the text of an OSError."""
    given = json.dumps({"cache_dir": str(cache_dir), **options})
    said = run_python(_PYTHON, f"hybridfs://{hdfs.authority}{path}", given, **environment).strip()
    if said.startswith("refused: "):
        raise RefusedError(said.removeprefix("refused: "))
    return said


@contextmanager
def spark(
    environment: Mapping[str, str], cache_dir: Path, conf: Mapping[str, str] | None = None, **options: Any
) -> Iterator[Driver]:
    """A driver with a small session that was made through `spark_ext.configure`."""
    small = {"spark.driver.memory": "512m", **(conf or {})}
    with closing(Driver([sys.executable], environment, WORKER)) as driver:
        driver.do("configure", master="local[1]", conf=small, cache_dir=str(cache_dir), **options)
        yield driver


def in_spark(
    hdfs: Hdfs,
    environment: Mapping[str, str],
    path: str,
    cache_dir: Path,
    conf: Mapping[str, str] | None = None,
    **options: Any,
) -> str:
    """The digest of the file as a new Spark session reads it; RefusedError with the class and the text of an error."""
    with spark(environment, cache_dir, conf, **options) as driver:
        found: str = driver.do("digest", url=f"{hdfs.url}{path}")
        return found


def content(size: int = 3_000_000) -> bytes:
    """Bytes that no other file has."""
    return os.urandom(size)

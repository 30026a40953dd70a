"""Reads of one file through the cache, each in a process of its own, as whom the environment says."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import build_jar
from spark_ext.bed import Hdfs
from spark_ext.bed.daemon import java_command
from spark_ext.bed.jars import jars
from tests.python.support import run_python
from tests.spark.conftest import Driver, RefusedError

WORKER = str(Path(__file__).with_name("reading_worker.py"))
_READS = Path(__file__).with_name("Reads.java")
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
    environment: Mapping[str, str],
    cache_dir: Path,
    conf: Mapping[str, str] | None = None,
    submit: Sequence[str] | None = None,
    **options: Any,
) -> Iterator[Driver]:
    """A driver with a small session that was made through `spark_ext.configure`.

    submit: arguments of spark-submit, which then starts the Python process; without it Python starts Spark.
    """
    small = {"spark.driver.memory": "512m", **(conf or {})}
    command = [sys.executable]
    if submit is not None:
        # Its JVM is there before the session is.
        launched = ["--driver-memory", "512m", "--driver-class-path", str(build_jar.JAR)]
        command = [str(Path(sys.executable).with_name("spark-submit")), *launched, *submit]
    with closing(Driver(command, environment, WORKER)) as driver:
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


def in_java(
    hdfs: Hdfs, environment: Mapping[str, str], path: str, cache_dir: Path, *users: str, **properties: object
) -> list[str]:
    """What a JVM with the jar reads, as itself or as each of the users in turn: digests, or `refused: ` and a text.

    properties: of Hadoop, with `_` for `.`.
    """
    jar = build_jar.JAR
    # A source file in the place of a main class is compiled and run.
    tool = java_command(str(_READS), [hdfs.conf_dir, jar, f"{jars()}/*"], cache_dir / "tmp")
    given = {"fs_hybridfs_cache_dir": cache_dir, **properties}
    assigned = [f"{name.replace('_', '.')}={value}" for name, value in given.items()]
    run = subprocess.run(
        [*tool, f"{hdfs.url}{path}", *assigned, *users],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return run.stdout.splitlines()


def assert_shared(hdfs: Hdfs, name: str, python: Callable[[str], str], session: Callable[[str], str]) -> None:
    """Each reader gets equal bytes of a file that only it has fetched and of one that only the other has: then from the
    cache alone, as DataNodes count. Both are alice's, called `name` and a number. Prints the bytes.
    """
    files = {f"/alice/{name}-{number}": content() for number in (1, 2)}
    for path, data in files.items():
        hdfs.put(path, data, "alice", permission="600")
    (one, first), (two, second) = files.items()
    before = hdfs.bytes_read()
    assert (python(one), session(two)) == (digest(first), digest(second))
    cold = hdfs.bytes_read()
    assert cold - before >= len(first) + len(second)
    assert (python(two), session(one)) == (digest(second), digest(first))
    warm = hdfs.bytes_read() - cold
    print(f"{name}: of {len(first) + len(second):,} bytes DataNodes sent {cold - before:,} cold, {warm} warm")
    assert warm == 0


def content(size: int = 3_000_000) -> bytes:
    """Bytes that no other file has."""
    return os.urandom(size)

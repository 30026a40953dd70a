"""HDFS and the metastore at the far end of a link: readers at the near end reach them, and their counts are seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from spark_ext.bed import Crossed, Hdfs, Link, Metastore
from spark_ext.bed.daemon import java_command
from spark_ext.bed.jars import jars

pytestmark = pytest.mark.link

SIZE = 3_000_000
READ = """
import sys
from hdfs_native import Client
print(len(Client(sys.argv[1]).read("/file").read_range(0, int(sys.argv[2]))))
"""
TABLES = """
import json, os, sys
from pyspark.sql import SparkSession
builder = SparkSession.builder.master("local[1]")
for name, value in json.loads(sys.argv[1]).items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sql("CREATE TABLE far USING parquet AS SELECT 7 AS seven")
print([list(row) for row in spark.table("far").collect()])
spark.stop()
"""


@pytest.fixture(scope="module")
def link() -> Iterator[Link]:
    with Link() as made:
        yield made


@pytest.fixture(scope="module")
def hdfs(link: Link) -> Iterator[Hdfs]:
    with Hdfs(datanodes=1, at=link.far) as made:
        made.put("/file", os.urandom(SIZE))
        yield made


def near(link: Link, hdfs: Hdfs, command: Sequence[str], **environment: str) -> tuple[str, Crossed]:
    """What the command prints at the near end, and what crosses meanwhile."""
    env: Mapping[str, str] = {**os.environ, **hdfs.as_user(hdfs.superuser), **environment}
    before = link.crossed()
    done = subprocess.run(link.near(command), env=env, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout, link.crossed() - before


def counted(hdfs: Hdfs) -> Any:
    return hdfs.served(), hdfs.rpc_counts().get("GetBlockLocations", 0)


def read_across(link: Link, hdfs: Hdfs, command: Sequence[str]) -> None:
    served, calls = counted(hdfs)
    printed, crossed = near(link, hdfs, command)
    served_after, calls_after = counted(hdfs)
    assert int(printed) == SIZE
    assert SIZE <= (served_after - served).bytes <= 1.01 * SIZE
    assert SIZE < crossed.received < 1.1 * SIZE
    assert crossed.sent < 0.1 * SIZE
    assert calls_after - calls == 1


def test_python_reads_across(link: Link, hdfs: Hdfs) -> None:
    read_across(link, hdfs, [sys.executable, "-c", READ, hdfs.url, str(SIZE)])


def test_a_jvm_reads_across(link: Link, hdfs: Hdfs, tmp_path: Path) -> None:
    classpath = [hdfs.conf_dir, f"{jars()}/*"]
    command = java_command(str(Path(__file__).with_name("Reads.java")), classpath, tmp_path)
    read_across(link, hdfs, [*command, f"{hdfs.url}/file"])


def test_spark_finds_the_metastore_across(link: Link, hdfs: Hdfs, tmp_path: Path) -> None:
    with Metastore(hdfs) as metastore:
        conf = {
            **metastore.spark_conf(),
            "spark.driver.memory": "512m",
            "spark.ui.enabled": "false",
            "spark.local.dir": str(tmp_path),
        }
        worker = [sys.executable, "-c", TABLES, json.dumps(conf)]
        printed, _ = near(link, hdfs, worker, SPARK_LOCAL_IP=link.near.address)
        assert printed.strip() == "[[7]]"
        assert f"{metastore.warehouse}/far" in metastore.uris()

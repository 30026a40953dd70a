"""Fixtures that need real components. Each starts on first use and ends, by process id, with the session."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import build_jar
from spark_ext.bed import Hdfs, Metastore

# Without it Spark binds to an outer address of this host.
os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
# Tests judge what is done, not how fast on a host that may be busy.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def hdfs() -> Iterator[Hdfs]:
    """An HDFS with one NameNode and two DataNodes. Tests that stop a role start an `Hdfs` of their own."""
    with Hdfs() as running:
        yield running


@pytest.fixture(scope="session")
def metastore(hdfs: Hdfs) -> Iterator[Metastore]:
    """A Hive Metastore over `hdfs`; `metastore.spark_conf()` makes a Spark session use both."""
    with Metastore(hdfs) as running:
        yield running


@pytest.fixture(scope="session")
def spark_conf(metastore: Metastore, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Properties of a small Spark session over `hdfs` and `metastore`; hybridfs is not among them."""
    temporary = tmp_path_factory.mktemp("spark")
    return {
        **metastore.spark_conf(),
        "spark.master": "local[2]",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": f"-Djava.io.tmpdir={temporary} -XX:-UsePerfData",
        "spark.local.dir": str(temporary),
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }


@pytest.fixture(scope="session")
def jar() -> Path:
    """Path of hybridfs.jar, built anew when it is older than its sources."""
    build_jar.build()
    return build_jar.JAR


@pytest.fixture
def cache_dir() -> Iterator[Path]:
    """An empty private directory for a cache root, outside of pytest's kept ones: caches are large."""
    directory = Path(tempfile.mkdtemp(prefix="hybridfs-cache-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)  # a reader may still be publishing


@pytest.fixture
def hdfs_dir(hdfs: Hdfs) -> Iterator[str]:
    """URL of an empty HDFS directory (mode 0777, no slash at the end), removed after the test."""
    path = f"/tests/{uuid.uuid4().hex}"
    hdfs.web("PUT", path, op="MKDIRS", permission="0777")
    yield f"{hdfs.url}{path}"
    hdfs.web("DELETE", path, op="DELETE", recursive="true")

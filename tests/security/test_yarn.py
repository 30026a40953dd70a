"""PySpark on YARN reads through the cache, in client and in cluster mode. DataNodes say what was read from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

import spark_ext
from spark_ext import jar as installed
from spark_ext.bed import Hdfs
from tests.security.bed.yarn import Yarn
from tests.security.clusters import YARN, Table, domain_of, domains, driver, driver_in_cluster, hybrid, write_table

pytestmark = [pytest.mark.security, pytest.mark.timeout(600)]

CLIENT = {**YARN, "spark.executorEnv.HADOOP_USER_NAME": "alice"}


@dataclass(frozen=True)
class Cluster:
    hdfs: Hdfs
    yarn: Yarn
    table: Table

    @property
    def environment(self) -> dict[str, str]:
        return {**self.hdfs.as_user("alice"), "HADOOP_CONF_DIR": str(self.yarn.conf_dir)}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Hdfs(datanodes=1) as hdfs, Yarn(hdfs) as yarn:
        for path in ("/yarn", "/user/alice"):
            hdfs.web("PUT", path, op="MKDIRS", permission="777")
        yield Cluster(hdfs, yarn, write_table(hdfs, "/yarn/table"))


def test_client_mode(cluster: Cluster, cache_dir: Path, jar: Path) -> None:
    """The driver and the executors share one root: what one session has read is there for the next, and for Python."""
    with closing(driver(cluster.environment)) as cold:
        cold.do("configure", master="yarn", conf=CLIENT, cache_dir=str(cache_dir))
        before = cluster.hdfs.served()
        assert cold.do("scan", url=cluster.table.url) == cluster.table.found
        assert cluster.hdfs.served().bytes > before.bytes
    with closing(driver(cluster.environment)) as warm:
        warm.do("configure", master="yarn", conf=CLIENT, cache_dir=str(cache_dir))
        filled = cluster.hdfs.served()  # a session's own start reads the files it was submitted with
        assert warm.do("scan", url=cluster.table.url) == cluster.table.found
        assert warm.do("scan", url=hybrid(cluster.table.url)) == cluster.table.found
        status = warm.do("status")
        with cluster.table.readers() as readers:
            content = warm.do("python_read", url=hybrid(cluster.table.files[0]))
        homes = warm.do("ask", call="java_method('java.lang.System', 'getProperty', 'user.home')")
        assert cluster.hdfs.served() == filled, "a warm session read from HDFS"
    assert len(status.processes) == len({p.pid for p in status.processes}) == 3, "a driver and two executors"
    assert status.missing == status.total("origin_bytes") == 0
    # Without Kerberos a Python worker is who HADOOP_USER_NAME says, else whom YARN runs containers as.
    assert len({row["sha256"] for row in content}) == 1
    assert readers == {("alice (auth:SIMPLE)", "true")}
    assert sum(row["stats"]["origin_bytes"] for row in content) == 0
    assert domains(cache_dir) == [domain_of(cluster.hdfs)]
    print(f"warm scan in client mode: 0 bytes from DataNodes, {status.total('hit_bytes')} from the cache")
    print(f"containers: user.home of JVMs {set(homes)}, HOME of Python workers { {row['home'] for row in content} }")


def test_cluster_mode_where_hosts_have_no_jar(cluster: Cluster, cache_dir: Path, jar: Path) -> None:
    """The lines of `conf`, with class paths as a host has them on which nothing is installed."""
    lines = spark_ext.conf("yarn", cache_dir=str(cache_dir))
    for key in ("spark.driver.extraClassPath", "spark.executor.extraClassPath"):
        assert lines[key] == f"{jar}:{installed.NAME}"
        lines[key] = f"/nowhere/{installed.NAME}:{installed.NAME}"
    with closing(driver_in_cluster({**YARN, **lines}, cluster.environment)) as remote:
        remote.do("start", master="yarn")
        before = cluster.hdfs.served()
        assert remote.do("scan", url=cluster.table.url) == cluster.table.found
        filled = cluster.hdfs.served()
        assert filled.bytes > before.bytes
        assert remote.do("scan", url=cluster.table.url) == cluster.table.found
        assert cluster.hdfs.served() == filled, "a warm scan read from HDFS"
        status = remote.do("status")
    assert len(status.processes) == len({p.pid for p in status.processes}) == 3, "a driver and two executors"
    assert domains(cache_dir) == [domain_of(cluster.hdfs)]
    print(f"warm scan in cluster mode: 0 bytes from DataNodes, {status.total('hit_bytes')} from the cache")


def test_why_the_class_paths_are_needed(cluster: Cluster, cache_dir: Path, jar: Path) -> None:
    """With `spark.jars` alone the ApplicationMaster ends: it needs the class before it has the jars."""
    lines = spark_ext.conf("yarn", cache_dir=str(cache_dir))
    for key in ("spark.driver.extraClassPath", "spark.executor.extraClassPath"):
        del lines[key]
    earlier = cluster.yarn.container_logs()
    with pytest.raises(RuntimeError, match="the driver did not start"):
        driver_in_cluster({**YARN, **lines}, cluster.environment).close()
    logs = [text for name, text in cluster.yarn.container_logs().items() if name not in earlier]
    assert len(logs) == 1
    assert "Class io.hybridfs.HybridFileSystem not found" in logs[0]

"""PySpark on Spark's own cluster under Kerberos, which hands out no delegation tokens: executors need a token file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.security.bed.kdc import Kdc
from tests.security.bed.secure_hdfs import SecureHdfs
from tests.security.bed.standalone import Standalone, token_file
from tests.security.clusters import (
    EXECUTORS,
    Table,
    domain_of,
    domains,
    driver,
    hybrid,
    keytab_of,
    with_krb5,
    write_table,
)
from tests.security.reading import in_python
from tests.spark.conftest import Driver, RefusedError

pytestmark = [pytest.mark.security, pytest.mark.timeout(600)]

SMALL = {**EXECUTORS, "spark.cores.max": "2"}


@dataclass(frozen=True)
class Cluster:
    hdfs: SecureHdfs
    spark: Standalone
    table: Table
    cache_dir: Path
    tokens: Path

    @contextmanager
    def session(self, conf: Mapping[str, str], environment: Mapping[str, str], **options: Any) -> Iterator[Driver]:
        """Its executors have no more of Kerberos than a krb5.conf, and what `conf` gives them."""
        properties = {**with_krb5(SMALL, self.hdfs), **conf}
        with closing(driver(environment)) as started:
            started.do("configure", master=self.spark.url, conf=properties, cache_dir=str(self.cache_dir), **options)
            yield started

    def token_of(self, user: str) -> dict[str, str]:
        """Properties by which executors and their Python workers have a token file."""
        path = token_file(self.hdfs, user, self.tokens / user)
        return {"spark.executorEnv.HADOOP_TOKEN_FILE_LOCATION": str(path)}


@pytest.fixture(scope="module")
def cluster(jar: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cache_dir = tmp_path_factory.mktemp("cache")
    cache_dir.chmod(0o700)
    with (
        Kdc("ONPREM") as kdc,
        SecureHdfs(kdc, datanodes=1) as hdfs,
        Standalone(environment={"HADOOP_CONF_DIR": str(hdfs.conf_dir)}) as spark,
    ):
        table = write_table(hdfs, "/tmp/table")
        yield Cluster(hdfs, spark, table, cache_dir, tmp_path_factory.mktemp("tokens"))


def test_executors_read_by_a_token_file(cluster: Cluster) -> None:
    """The driver has a ticket cache. All share one domain with a Python process that has a ticket cache, too."""
    with cluster.session(cluster.token_of("alice"), cluster.hdfs.as_user("alice")) as alice:
        with cluster.table.readers() as readers:
            assert alice.do("scan", url=cluster.table.url) == cluster.table.found
        with cluster.table.nothing_served():
            assert alice.do("scan", url=cluster.table.url) == cluster.table.found
            assert alice.do("scan", url=hybrid(cluster.table.url)) == cluster.table.found
            rows = alice.do("python_read", url=hybrid(cluster.table.files[0]))
        status = alice.do("status")
    assert [row.get("error") for row in rows] == [None, None]
    assert readers == {("alice@ONPREM (auth:TOKEN)", "true")}
    assert (len(status.processes), status.missing) == (3, 0)
    with cluster.table.nothing_served():
        for url in cluster.table.files:
            path = url.removeprefix(cluster.hdfs.url)
            in_python(cluster.hdfs, cluster.hdfs.as_user("alice"), path, cluster.cache_dir)
    assert domains(cluster.cache_dir) == [domain_of(cluster.hdfs)]
    print(f"executors opened as {readers}; warm: 0 bytes from DataNodes, {status.total('hit_bytes')} from the cache")


def test_bob_reads_nothing_of_alice(cluster: Cluster) -> None:
    """On the same hosts, from the same root, in processes of the same uid."""
    with cluster.session(cluster.token_of("bob"), cluster.hdfs.as_user("bob")) as bob:
        with cluster.table.nothing_served(), cluster.table.readers() as readers:
            with pytest.raises(RefusedError, match="Permission denied: user=bob"):
                bob.do("read_file", url=cluster.table.files[0])
            rows = bob.do("python_read", url=hybrid(cluster.table.files[0]))
        status = bob.do("status")
    assert all("Permission denied: user=bob" in row["error"] and "sha256" not in row for row in rows)
    assert status.total("hit_bytes") == 0
    assert {allowed for _, allowed in readers} <= {"false"}
    print(f"bob by Spark and by Python workers: 0 leaked bytes; the NameNode logged {readers}")


@pytest.mark.parametrize("way", ["keytab", "ticket"])
def test_what_does_not_reach_executors(cluster: Cluster, way: str) -> None:
    """Spark logs in by `spark.kerberos.keytab` on YARN, Kubernetes and in local mode only; and its executors run as a
    user of its own making, who has the tokens of a file but no ticket, whatever KRB5CCNAME says."""
    if way == "keytab":
        conf, environment = keytab_of(cluster.hdfs, "alice"), cluster.hdfs.with_cache(None)
    else:
        environment = cluster.hdfs.as_user("alice")
        conf = {f"spark.executorEnv.{name}": environment[name] for name in ("KRB5CCNAME", "KRB5_CONFIG")}
    refused = pytest.raises(RefusedError, match=r"Client cannot authenticate via:\[TOKEN, KERBEROS\]")
    with cluster.session(conf, environment) as session, cluster.table.nothing_served(), refused:
        session.do("scan", url=cluster.table.url)

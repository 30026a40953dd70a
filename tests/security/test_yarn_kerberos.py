"""PySpark on YARN under Kerberos: executors have delegation tokens and no keytab. The NameNode's log says who read.

Tokens live for so short a time here that one session outlives its first ones while the other tests run.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import spark_ext
from tests.security.bed.kdc import Kdc
from tests.security.bed.secure_hdfs import SecureHdfs
from tests.security.bed.yarn import Yarn
from tests.security.clusters import (
    YARN,
    Table,
    domain_of,
    domains,
    driver,
    driver_in_cluster,
    hybrid,
    keytab_of,
    with_krb5,
    write_table,
)
from tests.security.reading import in_python
from tests.spark.conftest import Driver, RefusedError

pytestmark = [pytest.mark.security, pytest.mark.timeout(600)]

RENEW_SECONDS = 60
# hdfs-native takes no token that ends within a minute.
LIFE_SECONDS = 150


@dataclass(frozen=True)
class Cluster:
    hdfs: SecureHdfs
    yarn: Yarn
    table: Table

    def environment(self, ticket_of: str | None = None) -> dict[str, str]:
        identity = self.hdfs.as_user(ticket_of) if ticket_of else self.hdfs.with_cache(None)
        return {**identity, "HADOOP_CONF_DIR": str(self.yarn.conf_dir)}

    @contextmanager
    def session(
        self, conf: Mapping[str, str], environment: Mapping[str, str], cache_dir: Path, **options: Any
    ) -> Iterator[Driver]:
        with closing(driver(environment)) as started:
            properties = {**with_krb5(YARN, self.hdfs), **conf}
            started.do("configure", master="yarn", conf=properties, cache_dir=str(cache_dir), **options)
            yield started


@pytest.fixture(scope="module")
def cluster(jar: Path) -> Iterator[Cluster]:
    short = {
        "dfs.namenode.delegation.token.renew-interval": RENEW_SECONDS * 1000,
        "dfs.namenode.delegation.token.max-lifetime": LIFE_SECONDS * 1000,
    }
    with Kdc("ONPREM") as kdc, SecureHdfs(kdc, datanodes=1, conf=short) as hdfs:
        for path in ("/yarn", "/user/alice", "/user/bob"):
            hdfs.web("PUT", path, op="MKDIRS", permission="777")
        with Yarn(hdfs, memory=8192) as yarn:
            yield Cluster(hdfs, yarn, write_table(hdfs, "/yarn/table"))


@dataclass(frozen=True)
class Session:
    driver: Driver
    started: float
    cache_dir: Path


@pytest.fixture(scope="module")
def alice(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session of alice's by keytab, which has read her table once. It goes on for all tests here."""
    cache_dir = tmp_path_factory.mktemp("cache", numbered=True)
    cache_dir.chmod(0o700)
    started = time.monotonic()
    with cluster.session(keytab_of(cluster.hdfs, "alice"), cluster.environment(), cache_dir) as running:
        assert running.do("scan", url=cluster.table.url) == cluster.table.found
        yield Session(running, started, cache_dir)


def refused_to_bob(text: str) -> bool:
    return "Permission denied: user=bob" in text


def path_of(cluster: Cluster, url: str) -> str:
    return url.removeprefix(cluster.hdfs.url)


def test_executors_read_by_delegation_tokens(cluster: Cluster, alice: Session) -> None:
    with cluster.table.nothing_served(), cluster.table.readers() as readers:
        assert alice.driver.do("scan", url=cluster.table.url) == cluster.table.found
        assert alice.driver.do("scan", url=hybrid(cluster.table.url)) == cluster.table.found
    assert readers == {("alice@ONPREM (auth:TOKEN)", "true")}
    status = alice.driver.do("status")
    assert (len(status.processes), status.missing) == (3, 0)
    assert not list(cluster.yarn.conf_dir.parent.rglob("*.keytab")), "a keytab came to a container's host"
    print(f"opened as {readers}; warm: 0 bytes from DataNodes, {status.total('hit_bytes')} from the cache")


def test_python_workers_read_by_delegation_tokens(cluster: Cluster, alice: Session) -> None:
    url = hybrid(cluster.table.files[0])
    with cluster.table.nothing_served(), cluster.table.readers() as readers:
        rows = alice.driver.do("python_read", url=url)
    assert [row.get("error") for row in rows] == [None, None]
    assert readers == {("alice@ONPREM (auth:TOKEN)", "true")}
    print(f"Python workers opened as {readers}; warm: 0 bytes from DataNodes")


def test_one_domain_by_default(cluster: Cluster, alice: Session) -> None:
    """Of executors with tokens, a driver with a keytab, one with a ticket, and Python with a ticket."""
    with cluster.table.nothing_served():
        for url in cluster.table.files:
            in_python(cluster.hdfs, cluster.environment("alice"), path_of(cluster, url), alice.cache_dir)
    assert domains(alice.cache_dir) == [domain_of(cluster.hdfs)]


def test_one_domain_of_a_user(cluster: Cluster, cache_dir: Path) -> None:
    """With `authorize=fill`, and this session's driver has a ticket cache."""
    options = {"authorize": "fill", "user": "alice"}
    with cluster.session({}, cluster.environment("alice"), cache_dir, **options) as running:
        assert running.do("scan", url=cluster.table.url) == cluster.table.found
        with cluster.table.nothing_served():
            assert running.do("scan", url=cluster.table.url) == cluster.table.found
            rows = running.do("python_read", url=hybrid(cluster.table.files[0]))
    assert [row.get("error") for row in rows] == [None, None]
    with cluster.table.nothing_served():
        in_python(
            cluster.hdfs, cluster.environment("alice"), path_of(cluster, cluster.table.files[0]), cache_dir, **options
        )
    assert domains(cache_dir) == [f"{domain_of(cluster.hdfs)}%40alice"]
    print(f"the root's only domain: {domains(cache_dir)[0]}")


def test_bob_reads_nothing_of_alice(cluster: Cluster, alice: Session) -> None:
    """On the same hosts, from the same root, in processes of the same uid."""
    with cluster.session(keytab_of(cluster.hdfs, "bob"), cluster.environment(), alice.cache_dir) as bob:
        with cluster.table.nothing_served(), cluster.table.readers() as readers:
            with pytest.raises(RefusedError) as table:
                bob.do("files", url=cluster.table.url)
            with pytest.raises(RefusedError) as known:
                bob.do("read_file", url=cluster.table.files[0])
            rows = bob.do("python_read", url=hybrid(cluster.table.files[0]))
        status = bob.do("status")
    assert refused_to_bob(str(table.value))
    assert refused_to_bob(str(known.value))
    assert all(refused_to_bob(row["error"]) and "sha256" not in row for row in rows)
    assert status.total("hit_bytes") == 0
    assert {allowed for _, allowed in readers} <= {"false"}
    print(f"bob by Spark and by Python workers: 0 leaked bytes; the NameNode logged {readers}")


def test_cluster_mode_with_a_keytab(cluster: Cluster, alice: Session) -> None:
    """The keytab goes to the driver's container, and only there."""
    lines = spark_ext.conf("yarn", cache_dir=str(alice.cache_dir))
    conf = {**with_krb5(YARN, cluster.hdfs), **lines, **keytab_of(cluster.hdfs, "alice")}
    with closing(driver_in_cluster(conf, cluster.environment())) as remote:
        remote.do("start", master="yarn", conf=with_krb5(YARN, cluster.hdfs))
        with cluster.table.nothing_served():
            assert remote.do("scan", url=cluster.table.url) == cluster.table.found
        assert len(remote.do("status").processes) == 3


def test_a_session_outlives_its_first_tokens(cluster: Cluster, alice: Session) -> None:
    """With a keytab Spark hands out new ones to its JVMs. Python workers have only those that YARN gave a container."""
    time.sleep(max(0.0, alice.started + LIFE_SECONDS + 5 - time.monotonic()))
    with cluster.table.nothing_served(), cluster.table.readers() as readers:
        assert alice.driver.do("scan", url=cluster.table.url) == cluster.table.found
    assert readers == {("alice@ONPREM (auth:TOKEN)", "true")}
    rows = alice.driver.do("python_read", url=hybrid(cluster.table.files[0]))
    assert all("sha256" not in row for row in rows)
    print(f"after {time.monotonic() - alice.started:.0f} s, tokens live for {LIFE_SECONDS} s: read as {readers}")
    print(f"a Python worker then: {rows[0]['error']}")

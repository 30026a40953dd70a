"""Spark and Python under Kerberos through one root. DataNodes say what was read from them, the NameNode who read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from hybridfs.layout import domain_name
from spark_ext.bed import Daemon
from tests.security.bed.secure_hdfs import SecureHdfs
from tests.security.reading import assert_shared, content, digest, in_java, in_python, in_spark, spark
from tests.spark.conftest import RefusedError

pytestmark = [pytest.mark.security, pytest.mark.timeout(600), pytest.mark.usefixtures("jar")]


def tickets(hdfs: SecureHdfs, user: str) -> dict[str, Any]:
    """How Python and Spark are told who they are: by a ticket cache, in the environment."""
    return {"environment": hdfs.as_user(user)}


def python_keytab(hdfs: SecureHdfs, user: str) -> dict[str, Any]:
    """Python by a keytab, in the options, and without a ticket."""
    keytab = str(hdfs.kdc.principal(user))
    return {
        "environment": hdfs.with_cache(None),
        "kerberos_principal": hdfs.kdc.full(user),
        "kerberos_keytab": keytab,
    }


def spark_keytab(hdfs: SecureHdfs, user: str) -> dict[str, Any]:
    """Spark by a keytab, in its configuration, and without a ticket."""
    keytab = str(hdfs.kdc.principal(user))
    conf = {"spark.kerberos.principal": hdfs.kdc.full(user), "spark.kerberos.keytab": keytab}
    return {"environment": hdfs.with_cache(None), "conf": conf}


LOGINS = {"ticket cache": (tickets, tickets), "keytab": (python_keytab, spark_keytab)}


@pytest.mark.parametrize("login", LOGINS)
def test_each_language_reads_what_the_other_cached(login: str, secure_hdfs: SecureHdfs, cache_dir: Path) -> None:
    to_python, to_spark = LOGINS[login]
    in_options = to_python(secure_hdfs, "alice")
    with spark(**to_spark(secure_hdfs, "alice"), cache_dir=cache_dir) as driver:
        assert_shared(
            secure_hdfs,
            login.replace(" ", "-"),
            lambda path: in_python(secure_hdfs, path=path, cache_dir=cache_dir, **in_options),
            lambda path: driver.do("digest", url=f"{secure_hdfs.url}{path}"),
        )


def test_a_file_that_is_cached_for_alice_is_refused_to_bob(secure_hdfs: SecureHdfs, cache_dir: Path) -> None:
    data, path = content(), "/alice/secret"
    secure_hdfs.put(path, data, "alice", permission="600")
    assert in_python(secure_hdfs, secure_hdfs.as_user("alice"), path, cache_dir) == digest(data)
    bob = secure_hdfs.as_user("bob")
    for read in (in_python, in_spark):
        with pytest.raises(RefusedError, match="Permission denied: user=bob"):
            read(secure_hdfs, bob, path, cache_dir)


def test_a_gateway_reads_as_those_it_acts_for(secure_hdfs: SecureHdfs, cache_dir: Path) -> None:
    """The NameNode sees alice; what is cached for her alone is in her domain, and bob is refused it all the same."""
    data, path = content(), "/alice/proxied"
    secure_hdfs.put(path, data, "alice", permission="600")
    gateway = secure_hdfs.as_user("gateway")
    namenode = secure_hdfs.role("namenode0")
    domain = domain_name(f"hdfs-{secure_hdfs.authority}@alice")

    namenode.forget_log()
    acting = {**gateway, "HADOOP_PROXY_USER": "alice"}
    assert in_python(secure_hdfs, acting, path, cache_dir, authorize="fill") == digest(data)
    assert _opened_by(namenode, path) == {"alice"}
    assert list((cache_dir / "v1").glob(f"{domain}/*/*/*"))

    filled = secure_hdfs.bytes_read()
    namenode.forget_log()
    fill = {"fs_hybridfs_authorize": "fill"}
    alice, bob, again = in_java(secure_hdfs, gateway, path, cache_dir, "alice", "bob", "alice", **fill)
    assert (alice, again) == (digest(data), digest(data))
    assert "Permission denied: user=bob" in bob
    assert secure_hdfs.bytes_read() == filled, "the JVM did not read alice's domain"
    assert "gateway" not in _opened_by(namenode, path)
    with pytest.raises(RefusedError, match="Permission denied: user=bob"):
        in_python(secure_hdfs, {**gateway, "HADOOP_PROXY_USER": "bob"}, path, cache_dir, authorize="fill")


def test_one_jvm_keeps_the_grants_of_those_it_acts_for_apart(secure_hdfs: SecureHdfs, cache_dir: Path) -> None:
    data, path = content(), "/alice/grants"
    secure_hdfs.put(path, data, "alice", permission="600")
    namenode = secure_hdfs.role("namenode0")
    namenode.forget_log()
    users = ("alice", "bob", "alice", "gateway")
    read = in_java(secure_hdfs, secure_hdfs.as_user("gateway"), path, cache_dir, *users, fs_hybridfs_freshness="30s")
    assert [digest(data) == found for found in read] == [True, False, True, False]
    assert "Permission denied: user=bob" in read[1]
    assert "Permission denied: user=gateway" in read[3]
    assert _opened_by(namenode, path) == {"alice", "bob", "gateway"}


def test_spark_submit_for_another_user_reads_as_that_user(secure_hdfs: SecureHdfs, cache_dir: Path) -> None:
    data, path = content(), "/alice/submitted"
    secure_hdfs.put(path, data, "alice", permission="600")
    gateway = secure_hdfs.as_user("gateway")
    namenode = secure_hdfs.role("namenode0")
    namenode.forget_log()
    with spark(gateway, cache_dir, submit=["--proxy-user", "alice"]) as driver:
        assert driver.do("digest", url=f"{secure_hdfs.url}{path}") == digest(data)
    assert _opened_by(namenode, path) == {"alice"}


def _opened_by(namenode: Daemon, path: str) -> set[str]:
    """Short names of those whom the NameNode's audit log names for opens of the path, allowed or not."""
    return set(re.findall(rf"ugi=([^ @]+)[^\t]*\t[^\t]*\tcmd=open\tsrc={path}\t", namenode.log_text()))

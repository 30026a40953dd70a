"""Spark and Python under Kerberos through one root. DataNodes say what was read from them, the NameNode who read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.security.bed.secure_hdfs import SecureHdfs
from tests.security.reading import content, digest, in_python, in_spark
from tests.spark.conftest import RefusedError

pytestmark = [pytest.mark.security, pytest.mark.timeout(600), pytest.mark.usefixtures("jar")]

Read = Callable[..., str]


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
    python = _as(in_python, to_python(secure_hdfs, "alice"))
    spark = _as(in_spark, to_spark(secure_hdfs, "alice"))
    for name, cold, warm in (("python-first", python, spark), ("spark-first", spark, python)):
        data, path = content(), f"/alice/{login.replace(' ', '-')}-{name}"
        secure_hdfs.put(path, data, "alice", permission="600")
        before = secure_hdfs.bytes_read()
        assert cold(secure_hdfs, path=path, cache_dir=cache_dir) == digest(data)
        filled = secure_hdfs.bytes_read()
        assert filled - before >= len(data)
        assert warm(secure_hdfs, path=path, cache_dir=cache_dir) == digest(data)
        read_warm = secure_hdfs.bytes_read() - filled
        print(f"{login}, {name}: cold {filled - before:,} bytes of {len(data):,}, warm {read_warm}")
        assert read_warm == 0


def test_a_file_that_is_cached_for_alice_is_refused_to_bob(secure_hdfs: SecureHdfs, cache_dir: Path) -> None:
    data, path = content(), "/alice/secret"
    secure_hdfs.put(path, data, "alice", permission="600")
    assert in_python(secure_hdfs, secure_hdfs.as_user("alice"), path, cache_dir) == digest(data)
    bob = secure_hdfs.as_user("bob")
    for read in (in_python, in_spark):
        with pytest.raises(RefusedError, match="Permission denied: user=bob"):
            read(secure_hdfs, bob, path, cache_dir)


def _as(read: Read, login: Mapping[str, Any]) -> Read:
    return lambda hdfs, **arguments: read(hdfs, **login, **arguments)

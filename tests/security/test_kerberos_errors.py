"""What is said where Kerberos lets nobody in, and that a cached file is not read then."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.security.bed.kdc import Kdc, write_krb5_conf
from tests.security.bed.secure_hdfs import SecureHdfs
from tests.security.reading import content, digest, in_java, in_python
from tests.spark.conftest import RefusedError
from tests.torture.clocks import WallClock

pytestmark = [pytest.mark.security, pytest.mark.usefixtures("jar")]

PLAIN = "org.apache.hadoop.hdfs.DistributedFileSystem"
HOUR = 3600
PATH = "/alice/cached"
Situation = Callable[[SecureHdfs, Path], Mapping[str, str]]


@pytest.fixture(scope="module")
def root(secure_hdfs: SecureHdfs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root that holds all of the file at PATH, for both languages."""
    data, made = content(), tmp_path_factory.mktemp("root")
    secure_hdfs.put(PATH, data, "alice", permission="600")
    environment = secure_hdfs.as_user("alice")
    assert in_python(secure_hdfs, environment, PATH, made) == digest(data)
    filled = secure_hdfs.bytes_read()
    assert in_java(secure_hdfs, environment, PATH, made) == [digest(data)]
    assert secure_hdfs.bytes_read() == filled
    return made


@pytest.fixture(scope="module")
def stranger() -> Iterator[Kdc]:
    """A KDC that nobody trusts."""
    with Kdc("STRANGER") as running:
        yield running


def no_ticket(hdfs: SecureHdfs, scratch: Path) -> Mapping[str, str]:
    return hdfs.with_cache(None)


def expired_ticket(hdfs: SecureHdfs, scratch: Path) -> Mapping[str, str]:
    cache = hdfs.kdc.kinit("alice", lifetime="1s")
    time.sleep(2)
    return hdfs.with_cache(cache)


def clock_skew(hdfs: SecureHdfs, scratch: Path) -> Mapping[str, str]:
    """The client's clock is an hour ahead; its ticket is good for longer."""
    clock = WallClock(scratch / "clock.so", scratch / "clock")
    clock.move(HOUR)
    return {**hdfs.with_cache(hdfs.kdc.kinit("alice", lifetime="20h")), **clock.environment}


def unknown_kdc(hdfs: SecureHdfs, scratch: Path) -> Mapping[str, str]:
    """The host's krb5.conf names no KDC of the realm."""
    conf = write_krb5_conf(scratch / "krb5.conf", [hdfs.kdc])
    conf.write_text(conf.read_text().replace(f"kdc = 127.0.0.1:{hdfs.kdc.port}", ""))
    return hdfs.with_cache(hdfs.kdc.kinit("alice"), conf)  # a new cache, which holds no ticket for the NameNode


# What is told by Python and by the jar in each.
SITUATIONS: list[tuple[Situation, str, str]] = [
    (no_ticket, r"there is no Kerberos ticket: run kinit", r"there is no Kerberos ticket.*: run kinit"),
    (expired_ticket, r"Kerberos ticket has expired: run kinit", r"Kerberos ticket.* has expired.*kinit"),
    (clock_skew, r"clocks? .*differ.*NTP", r"clocks? .*differ.*NTP"),
    (unknown_kdc, r"no KDC of realm ONPREM", r"no KDC is known for the realm ONPREM"),
]


@pytest.mark.parametrize(("situation", "python", "java"), SITUATIONS, ids=lambda value: getattr(value, "__name__", ""))
def test_the_error_says_what_is_wrong(
    situation: Situation, python: str, java: str, secure_hdfs: SecureHdfs, root: Path, tmp_path: Path
) -> None:
    environment = situation(secure_hdfs, tmp_path)
    said_python = _python(secure_hdfs, environment, root)
    assert said_python.startswith("OSError: ")
    said_java, said_plain = _java(secure_hdfs, environment, root)
    print(f"Python: {said_python}\nJava: {said_java}")
    assert _class(said_java) == _class(said_plain)
    _assert_told(said_python, python)
    _assert_told(said_java, java)


def test_a_realm_without_trust_is_named(secure_hdfs: SecureHdfs, stranger: Kdc, root: Path, tmp_path: Path) -> None:
    trusts = {stranger.realm: secure_hdfs.kdc.realm}
    conf = write_krb5_conf(tmp_path / "krb5.conf", [stranger, secure_hdfs.kdc], secure_hdfs.kdc, trusts)
    environment = secure_hdfs.with_cache(stranger.kinit("alice"), conf)
    said_python, (said_java, said_plain) = (
        _python(secure_hdfs, environment, root),
        _java(secure_hdfs, environment, root),
    )
    print(f"Python: {said_python}\nJava: {said_java}")
    assert _class(said_java) == _class(said_plain)
    _assert_told(said_python, r"realm STRANGER has no trust to realm ONPREM")
    _assert_told(said_java, r"realm ONPREM it does not know or trust.*\[capaths\]")


def _python(hdfs: SecureHdfs, environment: Mapping[str, str], root: Path) -> str:
    with pytest.raises(RefusedError) as refused:
        in_python(hdfs, environment, PATH, root)
    return str(refused.value)


def _java(hdfs: SecureHdfs, environment: Mapping[str, str], root: Path) -> tuple[str, str]:
    """What the jar says, and what HDFS's own class says."""
    # A client tries five times to get a ticket, for half a minute; once is enough to see the error.
    once = {"ipc_client_connect_max_retries_on_sasl": 0}
    ours, plain = (
        in_java(hdfs, environment, PATH, root, **once, **further) for further in ({}, {"fs_hdfs_impl": PLAIN})
    )
    assert ours[0].startswith("refused: "), "the file was read"
    assert plain[0].startswith("refused: "), "this situation is no error"
    return ours[0], plain[0]


def _class(said: str) -> str:
    return said.split(": ")[1]


def _assert_told(said: str, words: str) -> None:
    assert re.search(words, said), said

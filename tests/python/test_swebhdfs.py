"""WebHDFS over TLS as an origin, with certificates of a private CA, over a real HDFS."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fsspec
import pytest
import requests

import hybridfs
from hybridfs import BadOption, HybridFileSystem
from spark_ext.bed import Hdfs
from tests.python.support import MIB, settle_process
from tests.security.bed.tls import make_ca, make_tls

DATA = os.urandom(2 * MIB + 3)


@dataclass(frozen=True)
class Bed:
    """An HDFS with TLS: its HTTPS address, and the file of its CA."""

    hdfs: Hdfs
    port: int
    ca: Path
    other_ca: Path


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    directory = tmp_path_factory.mktemp("tls")
    served, other = make_tls(directory), make_ca(directory, "theirs")
    with Hdfs(datanodes=1, conf=served.conf, classpath=served.classpath) as running:
        host, rpc = running.authority.split(":")
        plain = HybridFileSystem(host, int(rpc), enabled=False)
        plain.pipe_file("/tmp/a.bin", DATA)
        plain.pipe_file("/tmp/secret.bin", DATA)
        running.web("PUT", "/tmp/secret.bin", op="SETPERMISSION", permission="600")
        yield Bed(running, served.port, served.ca, other)


def opened(tls: Bed, cache_dir: Path, **options: object) -> HybridFileSystem:
    target = {"host": "localhost", "port": tls.port, "user": "alice", "ca_file": str(tls.ca), **options}
    fs = HybridFileSystem(
        target_protocol="swebhdfs", target_options=target, cache_dir=str(cache_dir), skip_instance_cache=True
    )
    assert isinstance(fs, HybridFileSystem)
    return fs


def test_it_is_cached_under_its_own_uri(tls: Bed, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls.other_ca))  # which requests prefers to a session's own
    fs = opened(tls, cache_dir)
    before = hybridfs.stats()
    for _ in range(2):
        assert fs.cat_file("/tmp/a.bin") == DATA
        settle_process(str(cache_dir))
    after = hybridfs.stats()
    assert after["origin_bytes"] - before["origin_bytes"] == len(DATA)
    assert fs.origin.domain.startswith("swebhdfs-")
    url = f"swebhdfs://localhost:{tls.port}/tmp/a.bin"
    assert fs.origin.uri("/tmp/a.bin") == url
    assert fs.unstrip_protocol("/tmp/a.bin") == f"hybridfs::{url}"
    options = {"user": "alice", "ca_file": str(tls.ca)}
    with fsspec.open(f"hybridfs::{url}", cache_dir=str(cache_dir), swebhdfs=options) as file:
        assert file.read() == DATA


def test_the_namenode_decides_who_may_read(tls: Bed, cache_dir: Path) -> None:
    fs = opened(tls, cache_dir, user=tls.hdfs.superuser)
    assert fs.cat_file("/tmp/secret.bin") == DATA
    with pytest.raises(PermissionError):
        opened(tls, cache_dir).cat_file("/tmp/secret.bin")


@pytest.mark.parametrize("wrong", ["another", "none"])
def test_a_certificate_that_is_not_trusted(tls: Bed, cache_dir: Path, wrong: str) -> None:
    fs = opened(tls, cache_dir, ca_file=str(tls.other_ca) if wrong == "another" else None)
    with pytest.raises(requests.exceptions.SSLError, match=r"option ca_file: .*vouche?s?.* for a server of localhost:"):
        fs.cat_file("/tmp/a.bin")


def test_a_ca_that_is_not_there() -> None:
    options = {"host": "localhost", "ca_file": "/nowhere/ca.pem"}
    with pytest.raises(BadOption, match=r"option ca_file: '/nowhere/ca.pem' is not there"):
        _ = HybridFileSystem(target_protocol="swebhdfs", target_options=options, skip_instance_cache=True).origin


def test_kerberos_needs_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests_kerberos", None)
    options = {"host": "localhost", "kerberos": True}
    with pytest.raises(ImportError, match=r"option kerberos: .*requests-kerberos"):
        _ = HybridFileSystem(target_protocol="swebhdfs", target_options=options, skip_instance_cache=True).origin

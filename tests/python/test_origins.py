"""Every kind of origin by URL: a nameservice that fails over, WebHDFS, local files, memory."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
import requests

import hybridfs
from hybridfs import HybridFileSystem
from hybridfs.origin import hadoop_conf
from spark_ext.bed import Hdfs
from tests.python.support import MIB, child, wait_for


@pytest.fixture(scope="module")
def nameservice() -> Iterator[Hdfs]:
    with Hdfs(ha=True) as running:
        yield running


READ_TWICE = """
import sys
import hybridfs
fs = hybridfs.HybridFileSystem(sys.argv[1], cache_dir=sys.argv[2], freshness="0")
fs.pipe_file("/ha.bin", b"x" * 3_000_000)
assert fs.cat_file("/ha.bin") == b"x" * 3_000_000
print(fs.origin.uri("/ha.bin"), fs.origin.domain, flush=True)
sys.stdin.readline()
assert fs.cat_file("/ha.bin") == b"x" * 3_000_000
fs.pipe_file("/ha2.bin", b"y" * 1_000_000)
assert fs.cat_file("/ha2.bin") == b"y" * 1_000_000
print(hybridfs.stats()["origin_bytes"], flush=True)
"""


def test_a_nameservice_fails_over(nameservice: Hdfs, cache_dir: Path) -> None:
    service = nameservice.authority
    with child(READ_TWICE, service, cache_dir, HADOOP_CONF_DIR=str(nameservice.conf_dir)) as reader:
        assert reader.hear().split() == [f"hdfs://{service}/ha.bin", f"hdfs-{service}"]
        active = nameservice.active
        assert active
        nameservice.kill(active)
        nameservice.failover()
        assert reader.ask("go on") == "4000000"


def test_an_address_of_a_nameservice_is_the_nameservice() -> None:
    properties = {
        "dfs.nameservices": "One,two",
        "dfs.namenode.rpc-address.One.a": "nn1:8020",
        "dfs.namenode.rpc-address.One.b": "nn2:9000",
        "dfs.namenode.rpc-address.two": "NN3:8020",
        "fs.defaultFS": "hdfs://One",
    }
    named = [("nn1", None), ("nn2", 9000), ("NN3", 8020), ("One", None), ("one", None), (None, None), ("nn2", None)]
    found = [hadoop_conf.authority(host, port, properties) for host, port in named]
    assert found == ["One", "One", "two", "One", "One", "One", "nn2:8020"]


def test_no_namenode_named(monkeypatch: pytest.MonkeyPatch, cache_dir: Path) -> None:
    monkeypatch.delenv("HADOOP_CONF_DIR", raising=False)
    monkeypatch.delenv("HADOOP_HOME", raising=False)
    with pytest.raises(ValueError, match="hybridfs://namenode:8020/path"):
        HybridFileSystem(cache_dir=str(cache_dir), skip_instance_cache=True).info("/")


def read_twice(url: str, data: bytes, **options: object) -> None:
    """Reads by URL, twice; the second time nothing comes from the origin."""
    before = hybridfs.stats()
    for _ in range(2):
        with fsspec.open(url, **options) as file:
            assert file.read() == data
        wait_for(lambda: hybridfs.stats()["published_bytes"] - before["published_bytes"] == len(data), "published")
    assert hybridfs.stats()["origin_bytes"] - before["origin_bytes"] == len(data)


def test_webhdfs(hdfs: Hdfs, cache_dir: Path, hdfs_dir: str) -> None:
    path = "/" + hdfs_dir.removeprefix("hdfs://").partition("/")[2] + "/a.bin"
    data = os.urandom(2 * MIB + 3)
    host, port = hdfs.url.removeprefix("hdfs://").split(":")
    HybridFileSystem(host, int(port), cache_dir=str(cache_dir)).pipe_file(path, data)
    options = {"cache_dir": str(cache_dir), "webhdfs": {"user": hdfs.superuser}}
    read_twice(f"hybridfs::webhdfs://{hdfs.web_authority}{path}", data, **options)
    served = hdfs.bytes_read()
    with fsspec.open(f"hybridfs::webhdfs://{hdfs.web_authority}{path}", **options) as file:
        assert file.read() == data
    assert hdfs.bytes_read() == served


def test_local_files_and_memory(tmp_path: Path, cache_dir: Path) -> None:
    data = os.urandom(MIB + 1)
    (tmp_path / "a.bin").write_bytes(data)
    fsspec.filesystem("memory").pipe_file("/a.bin", data)
    time.sleep(0.03)  # a version younger than the kernel's clock tick is not kept
    read_twice(f"hybridfs::file://{tmp_path}/a.bin", data, cache_dir=str(cache_dir))
    read_twice("hybridfs::memory://a.bin", data, cache_dir=str(cache_dir))


def test_a_local_file_that_changes_within_a_tick_is_not_kept(tmp_path: Path, cache_dir: Path) -> None:
    fs = HybridFileSystem(target_protocol="file", cache_dir=str(cache_dir), skip_instance_cache=True)
    path = tmp_path / "a.bin"
    for round_ in range(50):
        data = bytes([round_]) * 100
        path.write_bytes(data)
        assert fs.cat_file(str(path)) == data


def test_a_local_file_whose_name_is_not_utf_8(tmp_path: Path, cache_dir: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.bin")
    Path(path).write_bytes(b"x" * MIB)
    time.sleep(0.03)
    fs = HybridFileSystem(target_protocol="file", cache_dir=str(cache_dir), skip_instance_cache=True)
    for _ in range(2):
        assert fs.cat_file(path) == b"x" * MIB


def test_a_webhdfs_that_does_not_answer(cache_dir: Path) -> None:
    options = {"host": "127.0.0.1", "port": 1}
    fs = HybridFileSystem(
        target_protocol="webhdfs", target_options=options, cache_dir=str(cache_dir), skip_instance_cache=True
    )
    with pytest.raises(requests.exceptions.ConnectionError, match="without the NameNode only within freshness"):
        fs.open("/a")

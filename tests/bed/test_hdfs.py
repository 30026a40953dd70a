"""The test bed's HDFS is a real one: data, permissions, metrics, faults, failover."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hdfs_native import Client, WriteOptions

from spark_ext.bed import BedError, Hdfs

PAYLOAD = os.urandom(3_000_000)


def client(hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch, user: str | None = None) -> Client:
    for name, value in hdfs.as_user(user or hdfs.superuser).items():
        monkeypatch.setenv(name, value)
    return Client(hdfs.url)


def write(client: Client, path: str) -> None:
    with client.create(path, WriteOptions()) as out:
        out.write(PAYLOAD)


def read(client: Client, path: str) -> bytes:
    return client.read(path).read_range(0, len(PAYLOAD))


def test_datanodes_count_what_was_read(hdfs, hdfs_dir, monkeypatch):
    path = urlsplit(hdfs_dir).path + "/file"
    fs = client(hdfs, monkeypatch)
    write(fs, path)
    before, calls = hdfs.served(), hdfs.rpc_counts()
    assert read(fs, path) == PAYLOAD
    served = hdfs.served() - before
    assert len(PAYLOAD) <= served.bytes <= len(PAYLOAD) * 1.01  # checksums are counted, too
    assert served.requests == 1
    assert hdfs.bytes_read() == before.bytes + served.bytes
    assert hdfs.rpc_counts()["GetBlockLocations"] - calls.get("GetBlockLocations", 0) == 1


def test_permissions_hold_for_other_users(hdfs, hdfs_dir, monkeypatch):
    path = urlsplit(hdfs_dir).path + "/private"
    alice = client(hdfs, monkeypatch, "alice")
    write(alice, path)
    alice.set_permission(path, 0o600)
    assert read(alice, path) == PAYLOAD
    with pytest.raises(RuntimeError, match="Permission denied: user=bob"):
        client(hdfs, monkeypatch, "bob").read(path)


def test_a_read_survives_a_killed_and_a_paused_datanode(monkeypatch):
    with Hdfs() as own:
        fs = client(own, monkeypatch)
        write(fs, "/file")
        own.kill("datanode0")
        assert read(fs, "/file") == PAYLOAD
        own.start("datanode0")
        own.pause("datanode1")
        assert read(fs, "/file") == PAYLOAD
        own.resume("datanode1")
        own.restart("namenode0")
        assert read(client(own, monkeypatch), "/file") == PAYLOAD


def test_failover_of_a_living_and_of_a_dead_namenode(monkeypatch):
    with Hdfs(datanodes=1, ha=True) as own:
        fs = client(own, monkeypatch)
        write(fs, "/file")
        assert own.active == "namenode0"
        assert own.failover() == own.active == "namenode1"
        assert read(fs, "/file") == PAYLOAD
        own.kill("namenode1")
        assert own.active is None
        assert own.failover() == own.active == "namenode0"
        assert read(fs, "/file") == PAYLOAD


def test_an_unknown_role_names_those_that_are_here(hdfs):
    with pytest.raises(BedError, match="no role 'datanode7' here, only namenode0, datanode0, datanode1"):
        hdfs.kill("datanode7")


def test_nothing_is_left_behind():
    with Hdfs(datanodes=1) as own:
        scratch: Path = own.conf_dir.parent
        pids = [own.role(role).pid for role in ("namenode0", "datanode0")]
        assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not scratch.exists()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)

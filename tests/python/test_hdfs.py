"""The filesystem over a real HDFS: bytes, versions, permissions, and what the DataNodes served."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import fsspec
import pytest

import hybridfs
from hybridfs import FileChanged, HybridFileSystem
from spark_ext.bed import Hdfs

MIB = 1 << 20


@pytest.fixture
def fs(hdfs: Hdfs, cache_dir: Path) -> HybridFileSystem:
    return opened(hdfs, cache_dir)


def opened(hdfs: Hdfs, cache_dir: Path, **options: object) -> HybridFileSystem:
    host, port = hdfs.url.removeprefix("hdfs://").split(":")
    fs = HybridFileSystem(host, int(port), cache_dir=str(cache_dir), skip_instance_cache=True, **options)
    assert isinstance(fs, HybridFileSystem)
    return fs


def path_of(url: str) -> str:
    return "/" + url.removeprefix("hdfs://").partition("/")[2]


def settle(fs: HybridFileSystem, path: str) -> None:
    """Waits until what was read has been published (that happens after delivery)."""
    deadline = time.monotonic() + 10
    before = -1
    while time.monotonic() < deadline:
        now = hybridfs.stats()["published_blocks"]
        if now == before:
            return
        before = now
        time.sleep(0.1)
    raise AssertionError(f"{path}: publishing does not end")


def test_the_second_read_moves_no_data(hdfs: Hdfs, fs: HybridFileSystem, hdfs_dir: str) -> None:
    path, data = path_of(hdfs_dir) + "/a.bin", os.urandom(9 * MIB + 17)
    fs.pipe_file(path, data)
    assert fs.cat_file(path) == data
    settle(fs, path)
    served = hdfs.bytes_read()
    with fs.open(path) as file:
        assert file.read() == data
        assert file.seek(-20, 2) == len(data) - 20
        assert file.read() == data[-20:]
    assert fs.cat_file(path, 5, -5) == data[5:-5]
    assert fs.cat_ranges([path, path], [0, MIB - 3], [10, MIB + 3]) == [data[:10], data[MIB - 3 : MIB + 3]]
    assert hdfs.bytes_read() == served


@pytest.mark.parametrize("change", ["overwrite", "append", "rename over", "delete and create", "shorter", "truncate"])
def test_a_change_is_seen_at_the_next_open(
    hdfs: Hdfs, fs: HybridFileSystem, cache_dir: Path, hdfs_dir: str, change: str
) -> None:
    path, old = path_of(hdfs_dir) + "/a.bin", os.urandom(3 * MIB)
    other = opened(hdfs, cache_dir)  # a client of its own, so that nothing is dropped here
    fs.pipe_file(path, old)
    assert fs.cat_file(path) == old
    pinned = fs.open(path)
    assert pinned.read(10) == old[:10]
    new = os.urandom(3 * MIB)
    if change == "overwrite":
        other.pipe_file(path, new)
    elif change == "append":
        with other.open(path, "ab") as file:
            file.write(new)
        new = old + new
    elif change == "rename over":
        other.pipe_file(path + ".new", new)
        other.origin.fs.client.rename(path + ".new", path, True)
    elif change == "delete and create":
        other.rm_file(path)
        other.pipe_file(path, new)
    elif change == "truncate":
        hdfs.web("POST", path, op="TRUNCATE", newlength=str(MIB + 5))
        new = old[: MIB + 5]
    else:
        new = new[:MIB]
        other.pipe_file(path, new)
    assert fs.cat_file(path) == new
    pinned.seek(0)
    assert pinned.read() == old  # all of it is cached: the consistent old version


def test_an_open_reader_sees_old_bytes_or_an_error(hdfs: Hdfs, cache_dir: Path, hdfs_dir: str) -> None:
    fs = opened(hdfs, cache_dir, readahead="0")
    path, old = path_of(hdfs_dir) + "/a.bin", os.urandom(8 * MIB)
    fs.pipe_file(path, old)
    file = fs.open(path)
    assert file.read(100) == old[:100]
    opened(hdfs, cache_dir).pipe_file(path, os.urandom(8 * MIB))
    file.seek(4 * MIB)
    with pytest.raises(FileChanged, match="REFRESH TABLE"):
        file.read(MIB)
    with fs.open(path) as again:
        assert again.read(100) != old[:100]


AS_BOB = """
import sys
from hybridfs import HybridFileSystem, stats
fs = HybridFileSystem(sys.argv[1], int(sys.argv[2]), cache_dir=sys.argv[3])
try:
    print("READ", len(fs.cat_file(sys.argv[4])), stats()["miss_denied"])
except PermissionError as error:
    print("REFUSED", stats()["miss_denied"], error)
"""


def read_as(user: str, hdfs: Hdfs, cache_dir: Path, path: str) -> str:
    host, port = hdfs.url.removeprefix("hdfs://").split(":")
    command = [sys.executable, "-c", AS_BOB, host, port, str(cache_dir), path]
    env = os.environ | {"HADOOP_USER_NAME": user}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60).stdout


def test_bob_is_refused_what_alice_cached(hdfs: Hdfs, cache_dir: Path, fs: HybridFileSystem, hdfs_dir: str) -> None:
    path = path_of(hdfs_dir) + "/secret.bin"
    fs.pipe_file(path, os.urandom(MIB))
    fs.origin.fs.client.set_owner(path, "alice", "alice")
    fs.origin.fs.client.set_permission(path, 0o600)
    assert read_as("alice", hdfs, cache_dir, path).startswith("READ 1048576 0")
    refused = read_as("bob", hdfs, cache_dir, path)
    assert refused.startswith("REFUSED 1")
    assert "Permission denied: user=bob" in refused


def test_a_grant_is_reused_within_freshness_and_no_longer(hdfs: Hdfs, cache_dir: Path, hdfs_dir: str) -> None:
    path = path_of(hdfs_dir) + "/a.bin"
    asking = opened(hdfs, cache_dir, freshness="0")
    reusing = opened(hdfs, cache_dir, freshness="30s")
    asking.pipe_file(path, b"x" * 1000)
    assert asking.cat_file(path) == b"x" * 1000  # a cold read opens once more, to read what the status showed
    settle(asking, path)
    for fs, expected in ((asking, 3), (reusing, 1)):
        before = hdfs.rpc_counts()["GetBlockLocations"]
        for _ in range(3):
            assert fs.cat_file(path) == b"x" * 1000
        assert hdfs.rpc_counts()["GetBlockLocations"] - before == expected


def test_urls_pickles_and_forks(hdfs: Hdfs, cache_dir: Path, fs: HybridFileSystem, hdfs_dir: str) -> None:
    data = os.urandom(2 * MIB + 1)
    fs.pipe_file(path_of(hdfs_dir) + "/a.bin", data)
    hybrid = hdfs_dir.replace("hdfs://", "hybridfs://") + "/a.bin"
    for url in (hybrid, f"hybridfs::{hdfs_dir}/a.bin"):
        with fsspec.open(url, cache_dir=str(cache_dir)) as file:
            assert file.read() == data
    assert fs.unstrip_protocol(path_of(hybrid.replace("hybridfs", "hdfs"))) == hybrid
    again = pickle.loads(pickle.dumps(fs))
    assert again.cat_file(hybrid) == data
    file = fs.open(hybrid)
    assert file.read(5) == data[:5]
    assert pickle.loads(pickle.dumps(file)).read(5) == data[5:10]
    in_child(lambda: fs.cat_file(hybrid) == data and file.read() == data[5:])


def in_child(check: object) -> None:
    pid = os.fork()
    if not pid:
        status = 1
        try:
            status = 0 if check() else 2  # type: ignore[operator]
        finally:
            os._exit(status)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.02)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    raise AssertionError("the child hangs")


def test_errors_are_builtin(fs: HybridFileSystem, hdfs_dir: str) -> None:
    path = path_of(hdfs_dir)
    with pytest.raises(FileNotFoundError):
        fs.open(path + "/nothing")
    with pytest.raises(IsADirectoryError):
        fs.open(path)


def test_a_namenode_that_is_down_raises_its_own_error(cache_dir: Path) -> None:
    code = textwrap.dedent(
        """
        import sys
        from hybridfs import HybridFileSystem
        fs = HybridFileSystem("127.0.0.1", 1, cache_dir=sys.argv[1],
                              target_options={"dfs.client.failover.max.attempts": "1"})
        try:
            fs.cat_file("/a")
        except FileNotFoundError:
            print("WRONG")
        except OSError as error:
            print("OSERROR", error)
        """
    )
    done = subprocess.run([sys.executable, "-c", code, str(cache_dir)], capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("OSERROR"), done.stderr


def test_small_and_temporary_files_are_served_and_not_published(
    fs: HybridFileSystem, cache_dir: Path, hdfs_dir: str
) -> None:
    base = path_of(hdfs_dir)
    for name in ("_SUCCESS", "_temporary/0/part", ".hidden", "part/.staging/x"):
        fs.pipe_file(f"{base}/{name}", name.encode() * 100)
        assert fs.cat_file(f"{base}/{name}") == name.encode() * 100
    fs.pipe_file(f"{base}/empty", b"")
    assert fs.cat_file(f"{base}/empty") == b""
    settle(fs, base)
    assert not [path for path in (cache_dir / "v1").rglob("*") if path.is_file() and path.name != "layout"]

"""Who may read, over a real HDFS: what a NameNode counts and logs of opens, and what happens while it is away."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import hybridfs
from hybridfs import HybridFileSystem
from hybridfs.errors import OriginUnreachable
from spark_ext.bed import Hdfs
from tests.python.support import MIB, child, run_python, settle_process

DATA = os.urandom(3 * MIB + 17)
IMPATIENT = {
    "dfs.client.failover.max.attempts": "1",
    "dfs.client.socket-timeout": "1000",
    "ipc.client.rpc-timeout.ms": "3000",
}
AUDIT = re.compile(r"INFO \S+\.FSNamesystem\.audit - allowed=(\w+)\tugi=(\S+).*\tcmd=(\w+)\tsrc=(\S+)")


@pytest.fixture(scope="module")
def own() -> Iterator[Hdfs]:
    """An HDFS whose NameNode these tests stop, and whose audit log they read: in that of its process."""
    with Hdfs(datanodes=1) as running:
        yield running


def opened(hdfs: Hdfs, cache_dir: Path, **options: object) -> HybridFileSystem:
    host, port = hdfs.authority.split(":")
    given = {"cache_dir": str(cache_dir), "target_options": IMPATIENT, **options}
    fs = HybridFileSystem(host, int(port), skip_instance_cache=True, **given)
    assert isinstance(fs, HybridFileSystem)
    return fs


@pytest.fixture
def path(own: Hdfs, cache_dir: Path, request: pytest.FixtureRequest) -> str:
    """A file that is in the cache."""
    name = f"/tmp/{request.node.name}"
    fs = opened(own, cache_dir)
    fs.pipe_file(name, DATA)
    assert fs.cat_file(name) == DATA
    settle_process(str(cache_dir))
    return name


def calls(hdfs: Hdfs) -> dict[str, int]:
    counts = hdfs.rpc_counts()
    return {name: counts.get(name, 0) for name in ("GetFileInfo", "GetBlockLocations")}


@pytest.mark.parametrize(
    ("options", "mode", "status", "permission"),
    [
        ({"freshness": "0"}, "644", 5, 5),
        ({"freshness": "1h"}, "644", 5, 1),
        ({"freshness": "0"}, "640", 7, 6),
        ({"freshness": "1h"}, "640", 7, 2),
        ({"freshness": "0", "authorize": "fill"}, "640", 5, 0),
        ({"freshness": "1h", "authorize": "fill"}, "640", 5, 0),
    ],
)
def test_calls_of_hot_opens(
    own: Hdfs, cache_dir: Path, path: str, options: dict[str, str], mode: str, status: int, permission: int
) -> None:
    """The first of the five has no grant; of a file that not all may read it asks for the version again, and the first
    such file of a directory for the permission, too. With fill the user's own domain is full.
    """
    own.web("PUT", path, op="SETPERMISSION", permission=mode)
    fs = opened(own, cache_dir, **options)
    if options.get("authorize") == "fill":
        fs.cat_file(path)
        settle_process(str(cache_dir))
    before = calls(own)
    for _ in range(5):
        assert fs.cat_file(path) == DATA
    after = calls(own)
    assert after["GetFileInfo"] - before["GetFileInfo"] == status
    assert after["GetBlockLocations"] - before["GetBlockLocations"] == permission


def audited(hdfs: Hdfs, path: str) -> list[tuple[str, str, str]]:
    """allowed, user and command of the NameNode's audit lines of a path."""
    found = [match.groups() for match in AUDIT.finditer(hdfs.role("namenode0").log_text())]
    return [(allowed, user, command) for allowed, user, command, source in found if source == path]


@pytest.mark.parametrize("authorize", ["open", "fill"])
def test_lines_of_opens_in_the_log_of_the_namenode(own: Hdfs, cache_dir: Path, path: str, authorize: str) -> None:
    """At freshness=0 one for each hot open; a cold one opens what it reads, besides."""
    fs = opened(own, cache_dir, freshness="0", authorize=authorize)

    def opens(name: str, times: int) -> int:
        before = audited(own, name).count(("true", own.superuser, "open"))
        for _ in range(times):
            assert fs.cat_file(name) == DATA
        settle_process(str(cache_dir))
        return audited(own, name).count(("true", own.superuser, "open")) - before

    fs.pipe_file(path + ".cold", DATA)
    cold, hot = opens(path + ".cold", 1), opens(path + ".cold", 10)
    print(f"NameNode's open lines, authorize={authorize}: {cold} for a cold open, {hot} for 10 hot ones")
    assert (cold, hot) == {"open": (2, 10), "fill": (1, 0)}[authorize]


READ_AS = """
import sys
from hybridfs import HybridFileSystem
host, port, cache_dir, path = sys.argv[1:]
fs = HybridFileSystem(host, int(port), cache_dir=cache_dir, freshness="0", audit=cache_dir + "/audit.log")
try:
    print(len(fs.cat_file(path)))
except PermissionError as error:
    print("REFUSED")
"""


def test_both_logs_name_the_user(own: Hdfs, cache_dir: Path, path: str) -> None:
    own.web("PUT", path, op="SETOWNER", owner="alice")
    own.web("PUT", path, op="SETPERMISSION", permission="600")
    host, port = own.authority.split(":")
    read = [run_python(READ_AS, host, port, cache_dir, path, HADOOP_USER_NAME=user) for user in ("alice", "bob")]
    assert read == [f"{len(DATA)}\n", "REFUSED\n"]
    lines = (cache_dir / "audit.log").read_text().splitlines()
    assert [re.findall(r"allowed=\w+|ugi=\S+ \S+|cmd=\w+", line) for line in lines] == [
        ["allowed=true", "ugi=alice (auth:SIMPLE)", "cmd=open"],
        ["allowed=true", "ugi=alice (auth:SIMPLE)", "cmd=close"],
        ["allowed=false", "ugi=bob (auth:SIMPLE)", "cmd=open"],
    ]
    assert {("true", "alice", "open"), ("false", "bob", "open")} <= set(audited(own, path))


@pytest.mark.parametrize("how", ["killed", "frozen"])
@pytest.mark.parametrize("authorize", ["open", "fill"])
def test_a_namenode_that_is_away(own: Hdfs, cache_dir: Path, path: str, how: str, authorize: str) -> None:
    """A fresh grant serves what is cached; all else fails, and says when it would not."""
    fs = opened(own, cache_dir, freshness="1h", authorize=authorize)
    strict = opened(own, cache_dir, freshness="0", authorize=authorize)
    for one in (fs, strict):
        assert one.cat_file(path) == DATA
    settle_process(str(cache_dir))
    (own.kill if how == "killed" else own.pause)("namenode0")
    try:
        started = time.monotonic()
        assert fs.cat_file(path) == DATA
        assert time.monotonic() - started < 3, "it is awaited briefly"
        for refused, name in ((strict, path), (fs, path + ".other")):
            with pytest.raises(
                OriginUnreachable, match="without the NameNode only within freshness of a grant"
            ) as told:
                refused.cat_file(name)
            assert own.authority in str(told.value) or "refused" in str(told.value)
    finally:
        (own.start if how == "killed" else own.resume)("namenode0")
    assert strict.cat_file(path) == DATA


@pytest.mark.parametrize("host", ["nobody.invalid", "127.0.0.1"])
def test_a_namenode_that_nobody_knows(cache_dir: Path, host: str) -> None:
    fs = HybridFileSystem(host, 1, cache_dir=str(cache_dir), target_options=IMPATIENT, skip_instance_cache=True)
    with pytest.raises(OriginUnreachable, match="only within freshness of a grant"):
        fs.open("/a")


def test_a_process_ends_while_a_namenode_is_silent(own: Hdfs, cache_dir: Path, path: str) -> None:
    code = """
import sys
from hybridfs import HybridFileSystem
fs = HybridFileSystem(sys.argv[1], int(sys.argv[2]), cache_dir=sys.argv[3],
                      target_options={"ipc.client.rpc-timeout.ms": "500"})
print(len(fs.cat_file(sys.argv[4])), flush=True)
sys.stdin.readline()
try:
    fs.cat_file(sys.argv[4] + ".other")
except OSError as error:
    print(type(error).__name__, flush=True)
"""
    with child(code, *own.authority.split(":"), cache_dir, path) as process:
        assert process.hear() == str(len(DATA))
        own.pause("namenode0")
        try:
            assert process.ask("go on") == "OriginUnreachable"
            assert process.rest() == []
        finally:
            own.resume("namenode0")


def test_after_a_revocation_the_next_open_is_refused(own: Hdfs, cache_dir: Path, path: str) -> None:
    """By mode, by owner, by a directory above: within a grant nothing changes, at freshness=0 all do."""
    code = """
import sys
from hybridfs import HybridFileSystem
host, port, cache_dir, path = sys.argv[1:]
asking = HybridFileSystem(host, int(port), cache_dir=cache_dir, freshness="0")
trusting = HybridFileSystem(host, int(port), cache_dir=cache_dir, freshness="1h")
def read(fs):
    try:
        return len(fs.cat_file(path))
    except PermissionError:
        return "REFUSED"
for _ in sys.stdin:
    print(read(asking), read(trusting), flush=True)
"""
    own.web("PUT", "/tmp/open", op="MKDIRS", permission="777")
    moved = "/tmp/open/f"
    own.web("PUT", path, op="RENAME", destination=moved)
    size = len(DATA)
    arguments = (*own.authority.split(":"), cache_dir, moved)
    with child(code, *arguments, HADOOP_USER_NAME="bob") as process:
        assert process.ask("before") == f"{size} {size}"
        for closed, again in (
            ({"path": moved, "permission": "600"}, {"path": moved, "permission": "644"}),
            ({"path": "/tmp/open", "permission": "700"}, {"path": "/tmp/open", "permission": "777"}),
        ):
            own.web("PUT", op="SETPERMISSION", **closed)
            answer = process.ask("closed").split()
            assert answer[0] == "REFUSED"
            assert answer[1] in ("REFUSED", str(size)), "the status of a closed directory is an answer, too"
            own.web("PUT", op="SETPERMISSION", **again)
            assert process.ask("open again").split()[0] == str(size)
        own.web("DELETE", moved, op="DELETE")
    assert hybridfs.stats()["corrupt"] == 0

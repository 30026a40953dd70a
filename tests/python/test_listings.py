"""Listings of a real HDFS: what callers get, what the NameNode was asked, and what others change meanwhile."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest
from hdfs_native import Client, WriteOptions

import hybridfs
from hybridfs import HybridFileSystem
from spark_ext.bed import Hdfs
from tests.python.support import entries_in, in_fork, run_python, settle_process

PARTITIONS = 300
LONG_AGO = int(time.time() * 1000) - 3_600_000


def opened(hdfs: Hdfs, root: Path, **options: Any) -> HybridFileSystem:
    host, port = hdfs.authority.split(":")
    made = HybridFileSystem(host, int(port), cache_dir=str(root), skip_instance_cache=True, **options)
    assert isinstance(made, HybridFileSystem)
    return made


def path_of(url: str) -> str:
    return "/" + url.removeprefix("hdfs://").partition("/")[2]


class Other:
    """Another client, which changes things behind hybridfs's back. What it changes is long ago: it is trusted."""

    def __init__(self, hdfs: Hdfs) -> None:
        self.client = Client(hdfs.url)
        self._ticks = LONG_AGO

    def write(self, path: str, data: bytes = b"") -> None:
        with self.client.create(path, WriteOptions(overwrite=True)) as file:
            if data:
                file.write(data)
        self.settle(path)

    def settle(self, path: str) -> None:
        """As if what was done in the path's directory had been done an hour ago, but after all before."""
        self._ticks += 1000
        parent = path.rpartition("/")[0]
        self.client.set_times(parent, self._ticks, self._ticks)


@pytest.fixture
def other(hdfs: Hdfs) -> Other:
    return Other(hdfs)


@pytest.fixture(scope="module")
def table(hdfs: Hdfs) -> Iterator[str]:
    """A table of many partitions, each a Parquet file of two rows, that nobody changed for an hour."""
    path, client = "/tests/listings-table", Client(hdfs.url)
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(pa.table({"x": [1, 2]}), sink)
    data = sink.getvalue().to_pybytes()

    def make(number: int) -> None:
        directory = f"{path}/p={number:03}"
        client.mkdirs(directory, create_parent=True)
        with client.create(f"{directory}/part-0.parquet") as file:
            file.write(data)
        client.set_times(directory, LONG_AGO, LONG_AGO)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(PARTITIONS)))
    yield path
    client.delete(path, True)


class Calls:
    """What the NameNode answered in a block of code, and what hybridfs counted."""

    def __init__(self, hdfs: Hdfs) -> None:
        self._hdfs = hdfs
        self.rpcs: dict[str, int] = {}
        self.counted: dict[str, int] = {}

    def __enter__(self) -> Calls:
        self._before = self._hdfs.rpc_counts(), hybridfs.stats()
        return self

    def __exit__(self, *_: object) -> None:
        settle_process()
        rpcs, counted = self._before
        now = self._hdfs.rpc_counts()
        wanted = ("GetListing", "GetFileInfo", "GetBlockLocations")
        self.rpcs = {name: now.get(name, 0) - rpcs.get(name, 0) for name in wanted}
        self.rpcs = {name: number for name, number in self.rpcs.items() if number}
        self.counted = {name: number - counted[name] for name, number in hybridfs.stats().items()}


def test_a_dataset_of_many_partitions_is_one_scan(hdfs: Hdfs, table: str, cache_dir: Path) -> None:
    def files(**options: Any) -> list[str]:
        fs = opened(hdfs, cache_dir, **options)
        with Calls(hdfs) as calls:
            found = pyarrow.dataset.dataset(table, filesystem=fs, schema=pa.schema({"x": pa.int64()})).files
        seen.append((calls.rpcs, {name: calls.counted[name] for name in ("listings_reused", "listings_prefetched")}))
        return list(found)

    seen: list[tuple[dict[str, int], dict[str, int]]] = []
    expected = [f"{table}/p={number:03}/part-0.parquet" for number in range(PARTITIONS)]
    assert files(listings="origin") == files() == files() == files(listings="bounded") == expected
    statuses = {"GetFileInfo": 3}  # pyarrow asks twice what it is, then fsspec's find
    assert seen == [
        ({"GetListing": PARTITIONS + 1} | statuses, {"listings_reused": 0, "listings_prefetched": 0}),
        ({"GetListing": PARTITIONS + 1} | statuses, {"listings_reused": 0, "listings_prefetched": PARTITIONS}),
        ({"GetListing": 1} | statuses, {"listings_reused": PARTITIONS, "listings_prefetched": 0}),
        (statuses, {"listings_reused": PARTITIONS + 1, "listings_prefetched": 0}),
    ]


def test_each_call_takes_what_plain_hdfs_takes_or_less(hdfs: Hdfs, table: str, cache_dir: Path) -> None:
    fs, bounded = opened(hdfs, cache_dir), opened(hdfs, cache_dir, listings="bounded")
    file = f"{table}/p=007/part-0.parquet"
    with Calls(hdfs) as calls:
        assert fs.ls(f"{table}/p=007", detail=False) == [file]
    assert calls.rpcs == {"GetListing": 1}
    assert (calls.counted["listing_rpcs"], calls.counted["listing_rpcs_plain"]) == (1, 1)
    with Calls(hdfs) as calls:
        assert (fs.exists(file), fs.isfile(file), fs.isdir(file)) == (True, True, False)
        assert not fs.exists(file + ".no")
    assert calls.rpcs == {"GetFileInfo": 4}
    with Calls(hdfs) as calls:
        assert bounded.ls(f"{table}/p=007") == [bounded.info(file)]
        assert (bounded.exists(file), bounded.isfile(file), bounded.isdir(file)) == (True, True, False)
        assert not bounded.exists(file + ".no")
        assert bounded.modified(file) == fs.origin.fs.modified(file)
    assert calls.rpcs == {"GetFileInfo": 1}  # of the last line
    assert calls.counted["statuses_reused"] == 6
    assert bounded.explain_listing(f"{table}/p=007")["source"] == "entry"  # type: ignore[index]
    told = fs.explain_listing(f"{table}/p=007")
    assert told is not None
    assert (told["mode"], told["source"], told["rpcs"], told["rpcs_plain"]) == ("validated", "origin", 1, 1)
    with Calls(hdfs) as calls:
        assert bounded.ukey(file) == fs.ukey(file)
    assert calls.rpcs == {"GetFileInfo": 2}
    with Calls(hdfs) as calls:
        assert fs.du(table) == PARTITIONS * fs.info(file)["size"]
    assert calls.rpcs == {"GetListing": PARTITIONS + 1, "GetFileInfo": 1}  # of which the last line's


def make_tree(other: Other, top: str, chance: random.Random) -> None:
    for number in range(40):
        depth = chance.randrange(3)
        directory = "/".join([top, *(f"d{chance.randrange(4)}" for _ in range(depth))])
        other.client.mkdirs(directory, create_parent=True)
        other.write(f"{directory}/f{number} ü%?#", b"x" * chance.randrange(3))


@pytest.mark.parametrize("listings", ["validated", "bounded"])
def test_all_calls_tell_what_the_origin_tells(
    hdfs: Hdfs, hdfs_dir: str, cache_dir: Path, other: Other, listings: str
) -> None:
    top = path_of(hdfs_dir)
    make_tree(other, top, random.Random(3))
    plain, fs = opened(hdfs, cache_dir, enabled=False), opened(hdfs, cache_dir, listings=listings)
    for _ in range(2):
        for maxdepth in (None, 1, 2):
            for withdirs in (False, True):
                for detail in (False, True):
                    asked = {"maxdepth": maxdepth, "withdirs": withdirs, "detail": detail}
                    assert fs.find(top, **asked) == plain.find(top, **asked), asked
            for topdown in (False, True):
                for detail in (False, True):
                    walked = [list(one.walk(top, maxdepth, topdown, detail=detail)) for one in (fs, plain)]
                    assert walked[0] == walked[1]
            for kind in ("*", "*/", "d*/*", "**", "**/f1*", "*/d1/**", "d[12]", "d1", "none*"):
                assert fs.glob(f"{top}/{kind}") == plain.glob(f"{top}/{kind}")
        paths = [top, f"{top}/d1", plain.find(top)[0], f"{top}/none"]
        if (
            listings == "validated"
        ):  # HDFS refuses to list below a file, and says that there is nothing: bounded says so
            paths.append(f"{paths[2]}/x")
        for path in paths:
            for call in ("ls", "info", "exists", "isdir", "isfile", "find", "du", "modified", "lexists"):
                assert outcome(fs, call, path) == outcome(plain, call, path), (call, path)
            assert outcome(fs, "ls", path, detail=False) == outcome(plain, "ls", path, detail=False)
            assert outcome(fs, "du", path, total=False, withdirs=True) == outcome(
                plain, "du", path, total=False, withdirs=True
            )
        settle_process(str(cache_dir))
    assert entries_in(cache_dir)


def outcome(fs: HybridFileSystem, call: str, path: str, **options: Any) -> Any:
    try:
        return getattr(fs, call)(path, **options)
    except OSError as error:
        return type(error), error.errno, error.filename


@pytest.mark.parametrize("seed", range(6))
def test_a_scan_misses_no_create_delete_or_rename(
    hdfs: Hdfs, hdfs_dir: str, cache_dir: Path, other: Other, seed: int, figures: dict[str, int]
) -> None:
    """Of another client, complete before the scan began; what changes only attributes is seen without freshness."""
    top, chance, client = path_of(hdfs_dir), random.Random(seed), other.client
    make_tree(other, top, chance)
    plain = opened(hdfs, cache_dir, enabled=False)
    names = [opened(hdfs, cache_dir, freshness="1h"), opened(hdfs, cache_dir, freshness="1h")]
    exact = opened(hdfs, cache_dir, freshness=0)
    before = hybridfs.stats()["listings_reused"]
    for step in range(12):
        for change in range(chance.randrange(4)):
            known = plain.find(top, withdirs=True, detail=True)
            known.pop(top)
            path = chance.choice(sorted(known))
            new = f"{path.rpartition('/')[0]}/new{step}-{change}"
            kind = chance.choice(["create", "mkdir", "delete", "rename", "append", "overwrite", "chmod"])
            if kind == "create":
                other.write(new, b"new")
            elif kind == "mkdir":
                client.mkdirs(new)
            elif kind == "delete":
                client.delete(path, True)
            elif kind == "rename":
                client.rename(path, new)
            elif kind == "chmod":
                client.set_permission(path, 0o700)
            elif known[path]["type"] == "file":
                with (
                    client.append(path)
                    if kind == "append"
                    else client.create(path, WriteOptions(overwrite=True)) as file
                ):
                    file.write(b"more")
            other.settle(path)
            figures["mutations of a tree that no scan missed"] += 1
        truth = plain.find(top, withdirs=True, detail=True)
        for fs in names:
            found = fs.find(top, withdirs=True, detail=True)
            assert {name: info["type"] for name, info in found.items()} == {
                name: info["type"] for name, info in truth.items()
            }
            settle_process(str(cache_dir))
        assert exact.find(top, withdirs=True, detail=True) == truth
    assert hybridfs.stats()["listings_reused"] > before


def test_attributes_are_as_of_less_than_freshness_ago(hdfs: Hdfs, hdfs_dir: str, cache_dir: Path, other: Other) -> None:
    top = path_of(hdfs_dir)
    other.client.mkdirs(f"{top}/d")
    other.write(f"{top}/d/f", b"1")
    fs = opened(hdfs, cache_dir, freshness="1h")
    assert fs.find(top, detail=True)[f"{top}/d/f"]["size"] == 1
    settle_process(str(cache_dir))
    with other.client.append(f"{top}/d/f") as file:
        file.write(b"2")
    assert fs.find(top, detail=True)[f"{top}/d/f"]["size"] == 1
    assert fs.ls(f"{top}/d")[0]["size"] == 2  # one listing is the NameNode's own
    assert fs.cat_file(f"{top}/d/f") == b"12"  # and so is an open
    time.sleep(0.3)
    assert opened(hdfs, cache_dir, freshness="300ms").find(top, detail=True)[f"{top}/d/f"]["size"] == 2


def test_own_changes_are_seen_at_once(hdfs: Hdfs, hdfs_dir: str, cache_dir: Path) -> None:
    top = path_of(hdfs_dir)
    fs = opened(hdfs, cache_dir, listings="bounded", freshness="1h")
    same_process = opened(hdfs, cache_dir, listings="bounded", freshness="1h", readahead="0")
    other_mode = opened(hdfs, cache_dir, listings="bounded", freshness="2h")

    def look(path: str = top) -> list[str]:
        settle_process(str(cache_dir))
        found = [[info["name"] for info in one.ls(path)] for one in (fs, same_process, other_mode)]
        assert found[0] == found[1] == found[2]
        for one in (fs, same_process, other_mode):
            assert all(one.exists(name) for name in found[0])
        settle_process(str(cache_dir))
        return [name.removeprefix(path + "/") for name in found[0]]

    assert look() == []
    assert not fs.exists(f"{top}/a")
    fs.pipe_file(f"{top}/a", b"1")
    assert look() == ["a"]
    fs.pipe_file(f"{top}/a", b"12")
    assert same_process.info(f"{top}/a")["size"] == 2
    fs.mkdir(f"{top}/d")
    assert look() == ["a", "d"]
    assert look(f"{top}/d") == []
    fs.mv(f"{top}/a", f"{top}/d/b")
    assert (look(), look(f"{top}/d")) == (["d"], ["b"])
    fs.makedirs(f"{top}/e/f/g")
    assert (look(), look(f"{top}/e"), look(f"{top}/e/f")) == (["d", "e"], ["f"], ["g"])
    fs.touch(f"{top}/d/t")
    assert look(f"{top}/d") == ["b", "t"]
    with fs.open(f"{top}/d/w", "wb") as file:
        file.write(b"x" * 100)
        assert look(f"{top}/d") == ["b", "t", "w"]
    assert same_process.info(f"{top}/d/w")["size"] == 100
    with other_mode.open(f"{top}/d/w", "ab") as file:
        file.write(b"x")
    assert fs.info(f"{top}/d/w")["size"] == 101
    fs.rm_file(f"{top}/d/t")
    assert look(f"{top}/d") == ["b", "w"]
    fs.rm(f"{top}/d", recursive=True)
    assert look() == ["e"]
    with pytest.raises(FileNotFoundError):
        same_process.ls(f"{top}/d")
    fs.rmdir(f"{top}/e/f/g")
    assert look(f"{top}/e/f") == []


def test_who_walks_and_changes_sees_his_changes(hdfs: Hdfs, hdfs_dir: str, cache_dir: Path) -> None:
    top = path_of(hdfs_dir)
    fs = opened(hdfs, cache_dir)
    for name in "abcdef":
        fs.pipe_file(f"{top}/{name}/file", b"1")
    seen = []
    for path, directories, files in fs.walk(top):
        seen.append(path.removeprefix(top))
        if path == top:
            fs.rm(f"{top}/c", recursive=True)
            fs.pipe_file(f"{top}/d/new", b"1")
            directories.remove("e")
        elif path.endswith("/d"):
            assert sorted(files) == ["file", "new"]
    assert seen == ["", "/a", "/b", "/d", "/f"]


LIST_AS = """
import sys
from hybridfs import HybridFileSystem
fs = HybridFileSystem(*sys.argv[1:3], cache_dir=sys.argv[3], listings=sys.argv[5], freshness="1h", user=sys.argv[6])
for call in (fs.ls, fs.find, fs.info):
    try:
        print("told", call(sys.argv[4]))
    except PermissionError:
        print("refused")
"""


@pytest.mark.parametrize("listings", ["validated", "bounded"])
def test_no_name_is_told_to_another_user(hdfs: Hdfs, cache_dir: Path, listings: str) -> None:
    """Of a root that a group shares: entries are of one user."""
    cache_dir.chmod(0o2770)
    hdfs.web("PUT", "/tests/secret-of-alice", op="MKDIRS", permission="0700")
    hdfs.web("PUT", "/tests/secret-of-alice", op="SETOWNER", owner="alice", group="alice")
    hdfs.put("/tests/secret-of-alice/plan", b"x", "alice")
    arguments = [*hdfs.authority.split(":"), cache_dir, "/tests/secret-of-alice", listings]
    for _ in range(2):
        told = run_python(LIST_AS, *arguments, "alice", HADOOP_USER_NAME="alice")
        assert told.count("/tests/secret-of-alice/plan") == 2
    told = run_python(LIST_AS, *arguments, "bob", HADOOP_USER_NAME="bob")
    assert "plan" not in told
    assert told.splitlines()[0] == "refused"
    domains = {path.parts[-4] for path in entries_in(cache_dir)}
    assert all("%40alice%2B" in domain or "%40bob%2B" in domain for domain in domains)
    assert any("%40alice%2B" in domain for domain in domains)
    hdfs.web("DELETE", "/tests/secret-of-alice", op="DELETE", recursive="true")


FIND = """
import sys, hybridfs
fs = hybridfs.HybridFileSystem(*sys.argv[1:3], cache_dir=sys.argv[3], freshness="1h")
print(len(fs.find(sys.argv[4])), hybridfs.stats()["listings_reused"])
"""


def test_the_next_process_reuses_them(hdfs: Hdfs, table: str, cache_dir: Path) -> None:
    arguments = [*hdfs.authority.split(":"), cache_dir, table]
    assert run_python(FIND, *arguments).split() == [str(PARTITIONS), "0"]
    assert run_python(FIND, *arguments).split() == [str(PARTITIONS), str(PARTITIONS)]


def test_a_child_of_a_fork_lists(hdfs: Hdfs, table: str, cache_dir: Path) -> None:
    fs = opened(hdfs, cache_dir, freshness="1h")
    expected = fs.find(table)
    settle_process(str(cache_dir))

    def listed() -> bool:
        again = fs.find(table) == expected and fs.ls(table, detail=False) and fs.exists(table)
        settle_process(str(cache_dir))
        return bool(again) and hybridfs.stats()["listings_reused"] == PARTITIONS

    in_fork(listed)
    walk = fs.walk(table)
    next(walk)
    in_fork(listed)
    in_fork(lambda: len(list(walk)) == PARTITIONS)  # without the threads that asked for its parent
    assert len(list(walk)) == PARTITIONS


def test_threads_share_what_is_listed(hdfs: Hdfs, table: str, cache_dir: Path) -> None:
    fs = opened(hdfs, cache_dir, freshness="1h")
    expected, found = fs.find(table), []
    threads = [threading.Thread(target=lambda: found.append(fs.find(table))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [expected] * 4


def test_a_host_that_is_switched_off_keeps_nothing(hdfs: Hdfs, table: str, cache_dir: Path) -> None:
    fs = opened(hdfs, cache_dir, freshness="1h")
    (cache_dir / "disabled").touch()
    with Calls(hdfs) as calls:
        fs.find(table)
        fs.find(table)
    assert calls.rpcs == {"GetListing": 2 * (PARTITIONS + 1)}
    assert entries_in(cache_dir) == []


def test_who_is_not_known_is_told_by_the_origin(hdfs: Hdfs, table: str, cache_dir: Path) -> None:
    """A user under another name than the one that the NameNode is told."""
    fs = opened(hdfs, cache_dir, user="somebody-else", listings="bounded")
    assert len(fs.find(table)) == len(fs.find(table)) == PARTITIONS
    settle_process(str(cache_dir))
    assert entries_in(cache_dir) == []
    assert fs.explain_listing(table)["mode"] == "origin"  # type: ignore[index]


def test_a_bounded_open_within_a_permission_asks_for_nothing(
    hdfs: Hdfs, hdfs_dir: str, cache_dir: Path, other: Other
) -> None:
    path = path_of(hdfs_dir) + "/f"
    other.write(path, os.urandom(1000))
    fs = opened(hdfs, cache_dir, listings="bounded", freshness="1h")
    first = fs.cat_file(path)
    settle_process(str(cache_dir))
    with Calls(hdfs) as calls:
        assert fs.cat_file(path) == first
    assert calls.rpcs == {"GetFileInfo": 1}  # nothing newer than the permission is kept
    fs.ls(path_of(hdfs_dir))
    settle_process(str(cache_dir))
    with Calls(hdfs) as calls:
        assert fs.cat_file(path) == first
    assert calls.rpcs == {}
    other.client.delete(path)
    assert fs.exists(path)
    assert fs.cat_file(path) == first  # within freshness, as the mode allows
    fs.invalidate_cache()
    with pytest.raises(FileNotFoundError):
        opened(hdfs, cache_dir, listings="bounded", freshness="2h").cat_file(path)
    assert not fs.exists(path)  # what the NameNode denied is not told any more

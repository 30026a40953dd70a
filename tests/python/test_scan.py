"""Listings over a NameNode of this process, whose every answer a test sees, delays and changes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hybridfs.layout import clean
from hybridfs.listing import scan as scans
from hybridfs.listing.barrier import Barrier
from hybridfs.listing.entries import Entries
from hybridfs.listing.keeper import Keeper
from hybridfs.listing.listings import Listings
from hybridfs.listing.names import parent_of
from tests.python.support import entries_in, new_store, wait_for

LONG_AGO = int(time.time() * 1000) - 3_600_000


@contextmanager
def changing(listings: Listings, path: str) -> Iterator[None]:
    """While something is changed at a path, and below it."""
    end = listings.begin_change(path)
    try:
        yield
    finally:
        end()


@dataclass
class Inode:
    """A file or directory as hdfs-native shows it."""

    path: str
    isdir: bool
    length: int = 0
    permission: int = 0o755
    owner: str = "alice"
    group: str = "staff"
    modification_time: int = LONG_AGO
    access_time: int = 0
    replication: int | None = None
    blocksize: int | None = None


def signed_bytes(inode: Inode) -> list[int]:
    """The order of HDFS, which compares the bytes of names with their sign: what is not ASCII comes first."""
    return [byte ^ 128 for byte in inode.path.encode()]


class Tree:
    """A NameNode. ``hook(path)`` runs before each listing is answered."""

    authority = "nn:8020"
    listing_domain: str | None = "hdfs-nn%3A8020%40alice%2Blistings"

    def __init__(self) -> None:
        self.inodes = {"/": Inode("/", isdir=True)}
        self.listed: Counter[str] = Counter()
        self.looked: Counter[str] = Counter()
        self.hook: Callable[[str], None] = lambda path: None
        self.most_at_once = self._at_once = 0
        self._lock = threading.Lock()
        self._ticks = LONG_AGO

    def add(self, path: str, *, directory: bool = False) -> None:
        if path not in self.inodes:
            if parent_of(path) not in self.inodes:
                self.add(parent_of(path), directory=True)
            self._touch(parent_of(path))
            self.inodes[path] = Inode(path, directory, modification_time=LONG_AGO)

    def remove(self, path: str) -> None:
        self._touch(parent_of(path))
        for known in [known for known in self.inodes if known == path or known.startswith(path + "/")]:
            del self.inodes[known]

    def _touch(self, directory: str) -> None:
        self._ticks += 1000
        self.inodes[directory].modification_time = self._ticks

    def list(self, path: str) -> list[Inode]:
        with self._lock:
            self.listed[path] += 1
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            self.hook(path)
            found = self.look(path, count=False)
            below = [inode for inode in self.inodes.values() if parent_of(inode.path) == path != inode.path]
            return sorted(below, key=signed_bytes) if found.isdir else [found]
        finally:
            with self._lock:
                self._at_once -= 1

    def list_soon(self, path: str) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(self.list(path))
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future

    def look(self, path: str, *, count: bool = True) -> Inode:
        if count:
            self.looked[path] += 1
        if path not in self.inodes:
            raise FileNotFoundError(2, "no such file", path)
        return self.inodes[path]


class Client:
    """One process as it sees a tree, with a root."""

    def __init__(self, tree: Tree, root: Path, mode: str = "validated", freshness: float = 3600) -> None:
        self.tree = tree
        self.store, self.stats = new_store(root)
        self.keeper, self.barrier = Keeper(), Barrier()
        entries = Entries(self.store, self.keeper, self.barrier, tree.listing_domain or "", tree.authority)
        self.listings = Listings(tree, entries, self.barrier, self.stats, freshness, lambda: mode)

    def walk(self, top: str, scan: scans.Scan | None) -> Iterator[tuple[str, list[str]]]:
        children = self.listings.ls(top, scan)
        below = [child["name"] for child in children if child["type"] == "directory"]
        yield top, below
        for one in below:
            yield from self.walk(one, scan)

    def names(self, top: str = "/", maxdepth: int | None = None) -> set[str]:
        with self.listings.scan(maxdepth, whole=True) as scan:
            if scan:
                scan.begin(clean(top))
            found = {path for path, _ in self.walk(top, scan)}
        assert self.keeper.drain(20)
        return found

    def counts(self) -> dict[str, int]:
        return {name: count for name, count in self.stats.snapshot().items() if count}


@pytest.fixture
def tree() -> Tree:
    made = Tree()
    for number in range(50):
        made.add(f"/t/{number:02}/file")
    return made


def directories(tree: Tree) -> set[str]:
    return {path for path, inode in tree.inodes.items() if inode.isdir}


def test_a_whole_scan_asks_once_for_each_and_for_no_leaf_again(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "IN_FLIGHT", 8)
    client = Client(tree, tmp_path)
    tree.hook = lambda path: time.sleep(0.01)
    assert client.names() == directories(tree)
    assert tree.listed == dict.fromkeys(directories(tree), 1)
    assert 1 < tree.most_at_once <= 8 + 1
    assert len(entries_in(tmp_path)) == 52
    tree.listed.clear()
    other = Client(tree, tmp_path)  # another process
    assert other.names() == directories(tree)
    assert tree.listed == {"/": 1, "/t": 1}
    assert other.counts() == {
        "listings": 52,
        "listings_reused": 50,
        "listings_prefetched": 1,
        "listing_rpcs": 2,
        "listing_rpcs_plain": 52,
    }
    assert other.listings.explain("/t/07/")["source"] == "entry"  # type: ignore[index]
    assert other.listings.explain("/t/99") is None


def test_bounded_asks_for_nothing_that_is_fresh(tree: Tree, tmp_path: Path) -> None:
    Client(tree, tmp_path).names()
    tree.listed.clear()
    client = Client(tree, tmp_path, "bounded")
    assert client.names() == directories(tree)
    assert [child["name"] for child in client.listings.ls("/t/07")] == ["/t/07/file"]
    assert client.listings.info("/t/07/file")["type"] == "file"
    with pytest.raises(FileNotFoundError):
        client.listings.info("/t/07/other")
    assert (tree.listed, tree.looked) == ({}, {})
    assert client.listings.ls("/t/07", refresh=True)
    assert tree.listed == {"/t/07": 1}


def test_bounded_remembers_what_is_not_there(tree: Tree, tmp_path: Path) -> None:
    for _ in range(2):
        client = Client(tree, tmp_path, "bounded")
        for ask in (client.listings.info, client.listings.ls):
            with pytest.raises(FileNotFoundError):
                ask("/no/such")
        assert client.keeper.drain(20)
    assert tree.looked == {"/no/such": 1}
    assert tree.listed["/no/such"] <= 1  # what was told at first may have been written meanwhile


@pytest.mark.parametrize("mode", ["validated", "bounded"])
def test_without_freshness_all_is_asked_for(tree: Tree, tmp_path: Path, mode: str) -> None:
    client = Client(tree, tmp_path, mode, freshness=0)
    for _ in range(2):
        client.names()
    assert tree.listed == dict.fromkeys(directories(tree), 2)
    assert tree.most_at_once == 1
    assert entries_in(tmp_path) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: tree.add("/t/07/new"),
        lambda tree: tree.remove("/t/07/file"),
        lambda tree: tree.add("/t/07/sub/file"),
        lambda tree: setattr(tree.inodes["/t/07"], "permission", 0o700),
        lambda tree: setattr(tree.inodes["/t/07"], "owner", "bob"),
        lambda tree: setattr(tree.inodes["/t/07"], "group", "others"),
        lambda tree: setattr(tree.inodes["/t/07"], "modification_time", int(time.time() * 1000) + 10_000_000),
    ],
)
def test_a_directory_that_is_not_as_it_was_is_listed_again(
    tree: Tree, tmp_path: Path, change: Callable[[Tree], None]
) -> None:
    Client(tree, tmp_path).names()
    change(tree)
    tree.listed.clear()
    assert Client(tree, tmp_path).names() == directories(tree)
    assert tree.listed["/t/07"] == 1
    assert tree.listed["/t/08"] == 0


def test_a_young_directory_is_not_trusted(tree: Tree, tmp_path: Path) -> None:
    tree.inodes["/t/07"].modification_time = int(time.time() * 1000) - 30_000
    Client(tree, tmp_path).names()
    tree.listed.clear()
    Client(tree, tmp_path).names()
    assert tree.listed == {"/": 1, "/t": 1, "/t/07": 1}


def test_what_has_directories_is_listed_for_real(tree: Tree, tmp_path: Path) -> None:
    tree.add("/t/07/sub/file")
    Client(tree, tmp_path).names()
    tree.listed.clear()
    tree.add("/t/07/sub/new")  # of which only the listing of /t/07 tells
    Client(tree, tmp_path).names()
    assert tree.listed == {"/": 1, "/t": 1, "/t/07": 1, "/t/07/sub": 1}


@pytest.mark.parametrize("maxdepth", [1, 2, 3])
def test_nothing_is_asked_for_below_the_depth(tree: Tree, tmp_path: Path, maxdepth: int) -> None:
    client = Client(tree, tmp_path)
    with client.listings.scan(maxdepth, whole=True) as scan:
        assert scan
        scan.begin("/")
        walk = client.walk("/", scan)
        for _ in range(1 if maxdepth == 1 else 2 if maxdepth == 2 else 52):
            next(walk)
    expected = {1: {"/"}, 2: {"/", "/t"}, 3: directories(tree)}[maxdepth]
    assert tree.listed == dict.fromkeys(expected, 1)


def test_errors_are_those_of_the_directory(tree: Tree, tmp_path: Path) -> None:
    refused: list[str] = []

    def hook(path: str) -> None:
        if path == "/t/07":
            raise PermissionError(13, "refused", path)
        if path == "/t/08" and not refused:
            refused.append(path)
            raise OSError(5, "a hiccup", path)

    tree.hook = hook
    client = Client(tree, tmp_path)
    with client.listings.scan(None, whole=True) as scan:
        assert scan
        found = []
        client.listings.ls("/t", scan)
        for number in range(50):
            try:
                client.listings.ls(f"/t/{number:02}", scan)
                found.append(number)
            except PermissionError:
                assert number == 7
    assert found == [number for number in range(50) if number != 7]
    assert tree.listed["/t/07"] == 1
    assert tree.listed["/t/08"] == 2  # no answer of the NameNode's: asked again by who wants it


class Panic(BaseException):
    """As PyO3 raises one: no Exception."""


def test_a_panic_ahead_leaves_nobody_waiting(tree: Tree, tmp_path: Path) -> None:
    panicked: list[str] = []

    def hook(path: str) -> None:
        if path not in panicked and path > "/t/4":
            panicked.append(path)
            raise Panic

    tree.hook = hook
    assert Client(tree, tmp_path).names() == directories(tree)
    assert len(panicked) == 10


def test_who_made_a_directory_again_is_not_told_that_it_is_gone(tree: Tree, tmp_path: Path) -> None:
    client = Client(tree, tmp_path)
    tree.hook = lambda path: tree.remove("/t/03") if path == "/t/03" and tree.listed[path] == 1 else None
    with client.listings.scan(None, whole=True) as scan:
        client.listings.ls("/t", scan)
        wait_for(lambda: "/t/03" not in tree.inodes and len(tree.listed) == 51, "what is fetched ahead")
        with changing(client.listings, "/t/03"):
            tree.add("/t/03", directory=True)
        assert client.listings.ls("/t/03", scan) == []


def test_a_listing_keeps_its_order(tree: Tree, tmp_path: Path) -> None:
    for name in ("z", "ü", "a", "𝄞", "日本"):
        tree.add(f"/t/07/{name}")
    client = Client(tree, tmp_path, "bounded")
    for _ in range(2):
        told = [info["name"].rpartition("/")[2] for info in client.listings.ls("/t/07")]
        assert told == ["ü", "日本", "𝄞", "a", "file", "z"]
        assert client.keeper.drain(20)
    assert client.counts()["listings_reused"] == 1


def test_listings_are_not_copied_to_a_lower_tier(tree: Tree, tmp_path: Path) -> None:
    disks = [(str(tmp_path / "one"), "100MiB"), (str(tmp_path / "two"), "100MiB")]
    store, stats = new_store(tmp_path / "root", disk=disks)
    keeper = Keeper()
    entries = Entries(store, keeper, Barrier(), "hdfs-x%2Blistings", "nn:8020")
    entries.keep("/t", Client(tree, tmp_path / "unused").listings._real("/t", None).listing, 3600)
    assert keeper.drain(20)
    [kept] = entries_in(tmp_path / "one")
    store._demote(0, str(kept.relative_to(tmp_path / "one")))
    assert entries_in(tmp_path / "two") == []
    assert stats.snapshot()["demoted_blocks"] == 0


def test_who_does_not_want_all_is_fetched_little(tree: Tree, tmp_path: Path) -> None:
    client = Client(tree, tmp_path)
    with client.listings.scan(None, whole=False) as scan:
        client.listings.ls("/t", scan)
        wait_for(lambda: len(tree.listed) >= 9, "what is fetched ahead")
        assert client.listings.ls("/t/45", scan)  # the caller has pruned the others
        wait_for(lambda: len(tree.listed) == 1 + 8 + 5, "the last ones")
    assert tree.listed.total() == 14
    assert tree.listed["/t/45"] == 1


def test_after_a_pause_nothing_of_before_counts(tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "_PAUSE", 0.0)
    client = Client(tree, tmp_path)
    with client.listings.scan(None, whole=False) as scan:
        client.listings.ls("/t", scan)
        wait_for(lambda: len(tree.listed) >= 9, "what is fetched ahead")
        tree.add("/t/03/new")
        assert len(client.listings.ls("/t/03", scan)) == 2


def test_own_changes_are_seen_within_a_scan(tree: Tree, tmp_path: Path) -> None:
    client = Client(tree, tmp_path)
    with client.listings.scan(None, whole=True) as scan:
        client.listings.ls("/t", scan)
        wait_for(lambda: len(tree.listed) == 51, "what is fetched ahead")
        with changing(client.listings, "/t/03/new"):
            tree.add("/t/03/new")
        assert len(client.listings.ls("/t/03", scan)) == 2
        with changing(client.listings, "/t/04"):
            tree.remove("/t/04/file")
            assert client.listings.ls("/t/04", scan) == []
    assert client.keeper.drain(20)
    assert {tree.listed[path] for path in ("/t/03", "/t/04")} == {2}


def test_own_changes_drop_what_is_kept(tree: Tree, tmp_path: Path) -> None:
    client = Client(tree, tmp_path, "bounded")
    client.names()
    with changing(client.listings, "/t/03/new"):
        tree.add("/t/03/new")
        assert len(client.listings.ls("/t/03")) == 2  # asked for while it changes: not kept
    assert client.keeper.drain(20)
    assert len(client.listings.ls("/t/03")) == 2
    other = Client(tree, tmp_path, "bounded")
    assert len(other.listings.ls("/t/03")) == 2
    ended = client.listings.begin_change("/new/sub/dir", makes_parents=True)
    tree.add("/new/sub/dir", directory=True)
    ended()
    assert "/new" in [info["name"] for info in client.listings.ls("/")]


def test_a_kept_listing_of_before_a_change_comes_too_late(tree: Tree, tmp_path: Path) -> None:
    """It was asked for, the process changed the directory, and only then is it to be written."""
    client = Client(tree, tmp_path, "bounded")
    held = threading.Event()
    client.keeper.submit(1, lambda: held.wait(20) and None)
    client.listings.ls("/t/03")
    with changing(client.listings, "/t/03/new"):
        tree.add("/t/03/new")
    held.set()
    assert client.keeper.drain(20)
    assert entries_in(tmp_path) == []


def test_a_garbled_entry_is_counted_and_no_more(tree: Tree, tmp_path: Path) -> None:
    Client(tree, tmp_path).names()
    for path in entries_in(tmp_path):
        raw = bytearray(path.read_bytes())
        raw[0] ^= 1
        path.write_bytes(raw)
    tree.listed.clear()
    client = Client(tree, tmp_path)
    assert client.names() == directories(tree)
    assert client.counts()["corrupt"] == 52
    assert tree.listed == dict.fromkeys(directories(tree), 1)
    tree.listed.clear()
    assert Client(tree, tmp_path).names() == directories(tree)  # they are whole again
    assert tree.listed == {"/": 1, "/t": 1}


def test_a_fault_of_the_disk_is_none_of_the_listing(tree: Tree, tmp_path: Path) -> None:
    client = Client(tree, tmp_path)
    (tmp_path / "v1" / str(tree.listing_domain)).write_text("in the way")
    assert client.names() == directories(tree)
    assert client.names() == directories(tree)
    assert tree.listed == dict.fromkeys(directories(tree), 2)


def test_entries_are_counted_and_evicted(tree: Tree, tmp_path: Path) -> None:
    for number in range(1500):
        tree.inodes[f"/large/{number:04}"] = Inode(f"/large/{number:04}", isdir=True)
    tree.inodes["/large"] = Inode("/large", isdir=True)
    store, stats = new_store(tmp_path, disk="4MiB")
    keeper, barrier = Keeper(), Barrier()
    entries = Entries(store, keeper, barrier, "hdfs-x%2Blistings", "nn:8020")
    client = Client(tree, tmp_path / "unused")
    answer = client.listings._real("/large", None).listing
    for number in range(200):
        entries.keep(f"/copies/{number}", answer, 3600)
        assert keeper.drain(20)
    size = sum(path.stat().st_blocks * 512 for path in entries_in(tmp_path))
    assert 2 << 20 < size < 7 << 20
    assert stats.snapshot()["evicted_blocks"] > 100
    assert store.tiers[0].ledger.used() > 0
    assert any(entries.find(f"/copies/{number}", 3600) == answer for number in range(200))


def test_threads_scan_at_once(tree: Tree, tmp_path: Path) -> None:
    client = Client(tree, tmp_path)
    found: list[set[str]] = []
    threads = [threading.Thread(target=lambda: found.append(client.names())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [directories(tree)] * 6


def test_no_thread_is_no_error(tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> Future[Any]:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(tree, "list_soon", refuse)
    assert Client(tree, tmp_path).names() == directories(tree)
    assert tree.listed == dict.fromkeys(directories(tree), 1)


def test_snapshots_are_not_kept(tree: Tree, tmp_path: Path) -> None:
    tree.add("/t/.snapshot/s1/file")
    client = Client(tree, tmp_path, "bounded")
    for _ in range(2):
        assert client.listings.ls("/t/.snapshot/s1")
        assert client.keeper.drain(20)
    assert tree.listed == {"/t/.snapshot/s1": 2}


def test_the_barrier_forgets_nothing_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    barrier = Barrier()
    before = time.monotonic_ns()
    for number in range((1 << 14) + 10):
        barrier.begin(f"/{number}/f")
        barrier.end(f"/{number}/f")
    assert not barrier.allows("/0/f", before)
    assert not barrier.allows("/elsewhere", before)  # at worst it is asked for again
    assert barrier.allows("/0/f", time.monotonic_ns() + 1)


def test_a_keeper_takes_no_more_than_it_may_hold() -> None:
    keeper, started, held, done = Keeper(), threading.Event(), threading.Event(), []

    def hold() -> None:
        started.set()
        held.wait(20)
        raise ZeroDivisionError

    keeper.submit(1, hold)
    assert started.wait(20)
    for number in range(6):
        keeper.submit(1 << 17, lambda number=number: done.append(number))  # type: ignore[misc]
    held.set()
    assert keeper.drain(20)
    assert done == [0, 1, 2, 3]

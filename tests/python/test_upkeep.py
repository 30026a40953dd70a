"""What upkeep removes, and when it is done (FORMAT.md sections 5, 7 and 9)."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from hybridfs.blocks import CachedBlock
from hybridfs.contents import count, older_trees
from hybridfs.ledger import UNIT
from hybridfs.locks import EVICTOR
from hybridfs.pins import pin
from hybridfs.root import PRIVATE
from hybridfs.store import Store
from hybridfs.upkeep import remove_older_trees
from tests.python.evicting import on_disk
from tests.python.seams import seams
from tests.python.support import BLOCK, ScriptedOrigin, blocks_in, cache, new_store, pattern, temporary_files, wait_for
from tests.python.test_eviction import fill, identity, kept, path_of

HOUR, DAY = 3600.0, 86_400.0


def age(path: Path, seconds: float, *, read: float | None = None) -> None:
    """As if it had been written (and last read) so long ago."""
    now = time.time()
    os.utime(path, (now - (seconds if read is None else read), now - seconds))


def publish_a_unit(store: Store, first: int) -> None:
    """So much that somebody looks at what is due."""
    fill(store, range(first, first + UNIT // BLOCK))
    if store._upkeep:
        store._upkeep.join()


# ---- what goes


def test_orphans_go_by_age(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path)
    for name, seconds in (("1-old", 3700), ("1-young", 3500), ("1-future", -3700)):
        (tmp_path / "v1" / "tmp" / name).write_bytes(b"x")
        age(tmp_path / "v1" / "tmp" / name, seconds)
    assert store.upkeep()
    assert sorted(path.name for path in temporary_files(tmp_path)) == ["1-future", "1-young"]


def test_fills_that_nobody_adds_to_go(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path)
    (tmp_path / "fills").mkdir()
    for name, seconds in (("old", 7 * DAY + 60), ("young", 7 * DAY - 60)):
        (tmp_path / "fills" / name).write_bytes(b"..")
        age(tmp_path / "fills" / name, seconds)
    assert store.upkeep()
    assert [path.name for path in (tmp_path / "fills").iterdir()] == ["young"]


def old_tree(root: Path, name: str, seconds: float) -> Path:
    tree = root / name
    for number in range(4):
        (tree / "domain" / f"{number}").mkdir(parents=True)
        (tree / "domain" / f"{number}" / "block").write_bytes(bytes(5000))
    for path in [*tree.rglob("*"), tree]:
        age(path, seconds)
    return tree


def test_an_older_tree_goes_when_nobody_used_it_for_a_week(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path)
    fill(store, range(4))
    tree = old_tree(tmp_path, "v0", 7 * DAY - 60)
    assert older_trees(str(tmp_path)) == [str(tree)]
    assert count(str(tmp_path)).size == on_disk(tmp_path) + 4 * 8192
    for _ in range(2):  # looking at it is no use of it
        assert store.upkeep()
        assert len(list(tree.rglob("block"))) == 4
    for path in [*tree.rglob("*"), tree]:
        age(path, 7 * DAY + 60)
    age(tree / "domain" / "3" / "block", 30 * DAY, read=DAY)
    assert store.upkeep()
    assert len(list(tree.rglob("block"))) == 4, "one was read yesterday"
    age(tree / "domain" / "3" / "block", 30 * DAY)
    age(tree / "domain", DAY)
    assert store.upkeep()
    assert len(list(tree.rglob("block"))) == 4, "something was made or removed yesterday"
    age(tree / "domain", 8 * DAY)
    assert store.upkeep()
    assert not tree.exists()
    usage = store.tiers[0].ledger.usage()
    assert usage is not None
    assert (usage.size, usage.blocks) == (on_disk(tmp_path), 4)


def test_trees_of_this_and_of_later_versions_stay(tmp_path: Path) -> None:
    for name in ("v0", "v1", "v2", "v10", "v3x", "vx", "w1"):
        old_tree(tmp_path, name, 30 * DAY)
    (tmp_path / "v-1").symlink_to(tmp_path / "v1")
    assert remove_older_trees(str(tmp_path), time.time(), version=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v-1", "v10", "v2", "v3x", "vx", "w1"]
    assert not remove_older_trees(str(tmp_path), time.time(), version=2)


def test_a_link_in_a_tree_is_not_followed(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    store, _ = new_store(root)
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("precious")
    old_tree(root, "v0", 30 * DAY)
    (root / "v0" / "link").symlink_to(elsewhere)
    os.utime(root / "v0" / "link", (0, 0), follow_symlinks=False)
    age(root / "v0", 30 * DAY)
    (root / "v1" / "tmp" / "link").symlink_to(elsewhere / "precious")
    assert store.upkeep()
    assert not (root / "v0").exists()
    assert (elsewhere / "precious").read_text() == "precious"


def test_max_age_removes_what_was_neither_published_nor_read(tmp_path: Path) -> None:
    store, stats = new_store(tmp_path, max_age="10d")
    fill(store, range(50))
    for number in range(40):
        age(path_of(tmp_path, number), 11 * DAY)
    for number in range(10):
        age(path_of(tmp_path, number), 11 * DAY, read=9 * DAY)
    for number in range(10, 20):
        pin(str(tmp_path), PRIVATE, identity(number), BLOCK, 2**33)
    for number in range(15, 25):
        pin(str(tmp_path), PRIVATE, identity(number), BLOCK, 1)
    assert store.upkeep()
    assert kept(store, range(50)) == {*range(20), *range(40, 50)}
    assert stats.snapshot()["evicted_blocks"] == 20
    usage = store.tiers[0].ledger.usage()
    assert usage is not None
    assert (usage.size, usage.blocks, usage.unlinked) == (on_disk(tmp_path), 30, 0), "who looks at all has counted"
    assert not [path for path in tmp_path.glob("v1/*/*/*") if not any(path.iterdir())]


def test_without_max_age_no_age_matters(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path)
    fill(store, range(10))
    for number in range(10):
        age(path_of(tmp_path, number), 9999 * DAY)
    assert store.upkeep()
    assert len(blocks_in(tmp_path)) == 10


# ---- when


def test_it_is_done_once_an_hour_by_who_publishes(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path)
    orphan, upkeep = tmp_path / "v1" / "tmp" / "1-old", tmp_path / "upkeep"
    done = []
    for turn, since in enumerate(
        (None, 59 * 60, 61 * 60, 0.0, -30 * 60, -2 * HOUR)
    ):  # None: its file was removed; < 0: a clock set back
        orphan.write_bytes(b"x")
        age(orphan, 2 * HOUR)
        if since is None:
            upkeep.unlink()
        else:
            age(upkeep, since)
        publish_a_unit(store, 100 * turn)
        done.append(not orphan.exists())
        assert upkeep.stat().st_size == 0
        assert not done[-1] or abs(upkeep.stat().st_mtime - time.time()) < 30
    assert done == [True, False, True, False, False, True]


def test_a_short_max_age_is_looked_after_more_often(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path, max_age="40m")
    publish_a_unit(store, 0)
    for number in range(5):
        age(path_of(tmp_path, number), HOUR)
    age(tmp_path / "upkeep", 9 * 60)
    publish_a_unit(store, 100)
    assert kept(store, range(5)) == set(range(5))
    age(tmp_path / "upkeep", 11 * 60)
    publish_a_unit(store, 200)
    assert kept(store, range(5)) == set()


def test_a_reader_has_it_done(tmp_path: Path) -> None:
    origin = ScriptedOrigin()
    origin.write("/f", pattern(40 * BLOCK))
    with cache(tmp_path) as opened:
        orphan = tmp_path / "v1" / "tmp" / "1-old"
        orphan.write_bytes(b"x")
        age(orphan, 2 * HOUR)
        age(tmp_path / "upkeep", 2 * HOUR)
        assert opened.read(origin, "/f") == pattern(40 * BLOCK)
        wait_for(lambda: not orphan.exists(), "upkeep is done")


def test_two_do_not_do_it_at_a_time(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path)
    other, _ = new_store(tmp_path)
    assert other.tiers[0].lock.claim(EVICTOR)
    age(tmp_path / "upkeep", HOUR)
    before = (tmp_path / "upkeep").stat().st_mtime
    assert not store.upkeep()
    assert (tmp_path / "upkeep").stat().st_mtime == before
    other.tiers[0].lock.release(EVICTOR)
    assert store.upkeep()


@pytest.mark.parametrize("max_age", ["0", "1d"])
def test_a_fault_in_it_sets_the_tier_aside_and_nothing_more(tmp_path: Path, max_age: str) -> None:
    """At each of its system calls in turn."""
    faults = calls = number = 0

    def act(name: str, call: int) -> None:
        nonlocal calls
        calls = call
        if call == number:
            raise OSError(5, "a test's")

    while number <= calls:
        number += 1
        root = tmp_path / str(number)
        store, stats = new_store(root, max_age=max_age)
        fill(store, range(3))
        age(path_of(root, 0), 2 * DAY)
        old_tree(root, "v0", 30 * DAY)
        with seams(act):
            store.upkeep()
        faults += stats.snapshot()["tier_faults"]
        assert stats.snapshot()["tier_faults"] <= 1
        with cache(root) as opened:  # whatever it left is a sound root
            assert not {1, 2} - kept(opened.store, range(3))
            assert opened.counts["tier_faults"] == opened.counts["corrupt"] == 0
        store.close()
    assert number > 25
    assert faults > 10


def test_links_lead_nowhere(tmp_path: Path) -> None:
    """Who may write to a shared root must not have files removed outside of it."""
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    store, _ = new_store(root)
    fill(store, range(3))
    for place in (elsewhere, elsewhere / "domain" / "xx" / "name"):
        place.mkdir(parents=True, exist_ok=True)
        (place / "7").write_bytes(b"x")
        age(place / "7", 99 * DAY)
    for name in ("v1/tmp", "fills", "v1"):
        link = root / name
        if link.exists():
            link.rename(tmp_path / "aside")
        link.symlink_to(elsewhere)
        store.upkeep()
        link.unlink()
        if (tmp_path / "aside").exists():
            (tmp_path / "aside").rename(link)
    assert (elsewhere / "7").exists()
    assert (elsewhere / "domain" / "xx" / "name" / "7").exists()


def test_max_age_spares_what_is_read(tmp_path: Path) -> None:
    """relatime moves the access time of a block that was read before only once a day."""
    store, _ = new_store(tmp_path, max_age="1h")
    fill(store, range(2))
    for number in range(2):
        age(path_of(tmp_path, number), 2 * HOUR, read=1.5 * HOUR)
    assert isinstance(store.lookup(identity(0), 0), CachedBlock)
    assert store.upkeep()
    assert kept(store, range(2)) == {0}


def test_a_process_without_threads_reads_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    store, _ = new_store(tmp_path)
    age(tmp_path / "upkeep", 2 * HOUR)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        publish_a_unit(store, 0)
    store.close()

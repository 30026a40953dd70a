"""Budgets: what is counted, what goes, and what is spared (FORMAT.md section 7)."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from hybridfs.blocks import CachedBlock
from hybridfs.eviction import evict
from hybridfs.layout import Identity, block_path
from hybridfs.ledger import UNIT, Ledger, Usage
from hybridfs.locks import EVICTOR
from hybridfs.root import PRIVATE
from hybridfs.stats import Miss
from hybridfs.store import Store
from tests.python.evicting import evict_exactly, on_disk, read_since
from tests.python.seams import dying, seams
from tests.python.support import (
    BLOCK,
    KIB,
    MIB,
    ScriptedOrigin,
    blocks_in,
    cache,
    children,
    new_store,
    pattern,
    temporary_files,
)

ON_DISK = BLOCK + 4 * KIB  # a full block with its trailer
DATA = memoryview(pattern(BLOCK))


def identity(number: int, blocks: int = 1) -> Identity:
    return Identity("test", f"test://origin/{number}", "1", blocks * BLOCK)


def fill(store: Store, numbers: range, *, disk: Path | None = None) -> int:
    """Publishes one-block files; returns the most bytes that were on disk at any time."""
    most = 0
    for number in numbers:
        assert store.publish(identity(number), 0, DATA) is None
        most = max(most, on_disk(disk)) if disk else 0
    return most


def kept(store: Store, numbers: range) -> set[int]:
    return {number for number in numbers if store.holds(identity(number), 0)}


def path_of(root: Path, number: int) -> Path:
    return root / block_path(identity(number), 0, BLOCK)


def mark_as_read(root: Path, numbers: range) -> None:
    for number in numbers:
        modified = path_of(root, number).stat().st_mtime_ns
        os.utime(path_of(root, number), ns=(modified + 1, modified))


# ---- what is counted

ADD = """
import sys
from hybridfs.ledger import Ledger
from hybridfs.root import PRIVATE
ledger, size = Ledger(sys.argv[1], PRIVATE), int(sys.argv[2])
for _ in range(int(sys.argv[3])):
    ledger.published.add(size)
"""


def test_a_ledger_is_the_sum_over_all_processes(tmp_path: Path) -> None:
    work = [(tmp_path, 69_632, 500), (tmp_path, 1_052_672, 40), (tmp_path, 4096, 3000), (tmp_path, 8_000_000, 11)]
    with children(ADD, work) as processes:
        for process in processes:
            process.rest()
    total = sum(size * count for _, size, count in work)
    used = Ledger(str(tmp_path), PRIVATE).used()
    assert abs(used - total) < len(work) * UNIT


def test_a_ledger_starts_again_from_what_a_scan_found(tmp_path: Path) -> None:
    mine, others = Ledger(str(tmp_path), PRIVATE), Ledger(str(tmp_path), PRIVATE)
    mine.published.add(UNIT)
    assert others.used() == UNIT
    mine.reset(Usage(12_345, 3, 4), mine.published.total())
    assert (others.used(), others.usage(), others.published.total()) == (12_345, Usage(12_345, 3, 4), 0)
    others.published.add(3 * UNIT)
    assert mine.used() == 12_345 + 3 * UNIT


def test_what_is_published_during_a_scan_stays_counted(tmp_path: Path) -> None:
    mine, others = Ledger(str(tmp_path), PRIVATE), Ledger(str(tmp_path), PRIVATE)
    others.published.add(5 * UNIT)
    before = mine.published.total()
    others.published.add(2 * UNIT)
    mine.reset(Usage(100, 1, 0), before)
    assert others.used() == 100 + 2 * UNIT
    mine.reset(Usage(50, 1, 0), mine.published.total())
    mine.reset(Usage(40, 1, 0), 0)
    assert others.used() == 40


@pytest.mark.parametrize(
    "content",
    [
        "",
        "bytes=5\n",
        "bytes=many\nblocks=1\nunlinked=0\n",
        "bytes=5\nblocks=1\nunlinked=0",
        "bytes=-5\nblocks=1\nunlinked=0\n",
    ],
)
def test_a_garbled_or_missing_usage_is_counted_anew(tmp_path: Path, content: str) -> None:
    store, _ = new_store(tmp_path, disk="100MiB")
    fill(store, range(20))
    usage = tmp_path / "usage"
    assert usage.read_text() == "bytes=0\nblocks=0\nunlinked=0\n", "of a new tier"
    usage.write_text(content) if content else usage.unlink()
    assert Ledger(str(tmp_path), PRIVATE).usage() is None
    fill(store, range(20, 20 + UNIT // BLOCK))
    found = store.tiers[0].ledger.usage()
    assert found is not None
    assert 20 * ON_DISK <= found.size <= (20 + UNIT // BLOCK) * ON_DISK
    assert found.size == found.blocks * ON_DISK


# ---- what goes


def test_a_budget_is_kept_within_one_batch(tmp_path: Path) -> None:
    budget = 4 * MIB
    store, stats = new_store(tmp_path, disk=budget)
    most = fill(store, range(300), disk=tmp_path)
    assert most <= budget + UNIT + ON_DISK
    evict_exactly(store)
    used = on_disk(tmp_path)
    assert budget * 0.95 - 2 * UNIT <= used <= budget
    assert store.tiers[0].ledger.used() == pytest.approx(used, abs=UNIT)
    assert stats.snapshot()["evicted_blocks"] == 300 - len(blocks_in(tmp_path))


FILL = """
import sys
from pathlib import Path
from tests.python.support import new_store
from tests.python.test_eviction import DATA, identity
store, _ = new_store(Path(sys.argv[1]), disk=sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
start = int(sys.argv[3])
print(sum(store.publish(identity(number), 0, DATA) is None for number in range(start, start + 150)))
"""


def test_processes_keep_one_budget_together(tmp_path: Path) -> None:
    budget, writers = 4 * MIB, 3
    with children(FILL, [(tmp_path, budget, 1000 * number) for number in range(writers)]) as processes:
        assert [process.hear() for process in processes] == ["ready"] * writers
        for process in processes:
            process.tell("go")
        published = sum(int(process.rest()[0]) for process in processes)
    assert published > 150, "who finds the tier overfull goes on without it, but that is not the rule"
    assert 0 < on_disk(tmp_path) <= budget + 2 * UNIT + writers * (UNIT + ON_DISK)
    assert temporary_files(tmp_path) == []


def test_a_lower_budget_takes_effect_with_the_next_batch(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path, disk="100MiB")
    fill(store, range(100))
    smaller, _ = new_store(tmp_path, disk="2MiB")
    fill(smaller, range(100, 100 + 2 * UNIT // BLOCK))
    assert on_disk(tmp_path) <= 2 * MIB + UNIT


def test_the_free_space_floor_empties_a_tier_that_can_never_reach_it(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path, min_free=1 << 60)
    refused = [store.publish(identity(number), 0, DATA) for number in range(2 * UNIT // BLOCK)]
    assert blocks_in(tmp_path) == []
    assert set(refused) == {None, Miss.NO_SPACE}, "the tier rests when all has gone"


def test_one_process_evicts_at_a_time(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path, disk="100MiB")
    fill(store, range(40))
    other, stats = new_store(tmp_path, disk="1MiB")
    assert store.tiers[0].lock.claim(EVICTOR)
    evict_exactly(other)
    assert stats.snapshot()["evicted_blocks"] == 0
    store.tiers[0].lock.release(EVICTOR)
    evict_exactly(other)
    assert stats.snapshot()["evicted_blocks"] > 0


# ---- what is spared


def test_blocks_that_were_read_are_spared_once(tmp_path: Path) -> None:
    """Over twelve evictions, because chance decides which ones are a third in a row or are looked at twice."""
    spared = 0
    for attempt in range(12):
        root = tmp_path / str(attempt)
        root.mkdir(mode=0o700)
        store, _ = new_store(root, disk="100MiB")
        fill(store, range(40))
        mark_as_read(root, range(10))
        smaller, _ = new_store(root, disk=20 * ON_DISK)
        evict_exactly(smaller)
        survivors = kept(store, range(40))
        assert len(survivors) == 19  # 95 % of 20
        spared += len(set(range(10)) & survivors)
    assert spared >= 0.65 * 120, "without a second chance 0.475 of them"


def test_if_all_were_read_some_go_all_the_same(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path, disk="100MiB")
    fill(store, range(40))
    mark_as_read(tmp_path, range(40))
    smaller, _ = new_store(tmp_path, disk=20 * ON_DISK)
    evict_exactly(smaller)
    assert len(kept(store, range(40))) == 19
    assert len(read_since(tmp_path)) < 19, "some have used up their second chance"


def test_a_read_through_the_cache_is_a_second_chance(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path, disk="100MiB")
    fill(store, range(20))
    for number in range(5):
        time.sleep(0.01)  # a tick of the file system's clock
        block = store.lookup(identity(number), 0)
        assert isinstance(block, CachedBlock)
        assert block.data() == DATA
    assert read_since(tmp_path) == {block_path(identity(number), 0, BLOCK) for number in range(5)}


def test_evicted_blocks_go_and_their_directories_with_them(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path, disk="100MiB")
    fill(store, range(40))
    smaller, _ = new_store(tmp_path, disk=1)
    evict_exactly(smaller)
    assert blocks_in(tmp_path) == []
    assert sorted(path.name for path in (tmp_path / "v1").iterdir()) == ["layout", "tmp"]
    fill(store, range(3))
    assert kept(store, range(3)) == {0, 1, 2}


def test_what_is_no_block_is_left_alone_and_hinders_nothing(tmp_path: Path) -> None:
    store, stats = new_store(tmp_path / "root", disk=[(str(tmp_path / "a"), 1), (str(tmp_path / "b"), "100MiB")])
    relative = block_path(identity(0), 0, BLOCK)
    region = (tmp_path / "a" / relative).parent
    region.mkdir(parents=True)
    os.mkfifo(region / "0")
    (region / "1").mkdir()
    (region / "2").symlink_to("/dev/zero")
    store.tiers[1].publish(block_path(identity(1), 0, BLOCK), [DATA])
    evict_exactly(store)
    assert sorted(path.name for path in region.iterdir()) == ["0", "1", "2"]
    assert stats.snapshot()["tier_faults"] == 0
    fill(store, range(1, 2 + UNIT // BLOCK))
    assert kept(store, range(1, 2 + UNIT // BLOCK)) == set(range(1, 2 + UNIT // BLOCK)), "all were demoted"


def test_an_open_block_stays_readable_when_it_is_evicted(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path, disk="100MiB")
    fill(store, range(2))
    mapped, unread = (store.lookup(identity(number), 0) for number in range(2))
    assert isinstance(mapped, CachedBlock)
    assert isinstance(unread, CachedBlock)
    view = mapped.view(5, 100)
    smaller, _ = new_store(tmp_path, disk=1)
    evict_exactly(smaller)
    assert blocks_in(tmp_path) == []
    assert view == DATA[5:105]
    assert unread.data() == mapped.data() == DATA


# ---- temporary files


def test_orphans_go_by_age_and_younger_ones_stay(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path)
    tmp = tmp_path / "v1" / "tmp"
    now = time.time()
    for name, age in (("1-old", 3700), ("1-young", 3500), ("1-future", -3700)):
        (tmp / name).write_bytes(b"x")
        os.utime(tmp / name, (now - age, now - age))
    assert store.upkeep()
    assert sorted(path.name for path in temporary_files(tmp_path)) == ["1-future", "1-young"]


def test_a_reader_that_evicts_gives_right_bytes(tmp_path: Path) -> None:
    """A file many times as large as the budget, read through it twice."""
    origin, data = ScriptedOrigin(), pattern(12 * MIB)
    origin.write("/f", data)
    with cache(tmp_path, disk="2MiB", readahead="1MiB", fetch_size="512KiB") as opened:
        assert opened.read(origin, "/f") == data
        assert opened.read(origin, "/f") == data
        opened.settle()
    assert (
        on_disk(tmp_path) <= 2 * MIB + 2 * UNIT + UNIT + 8 * ON_DISK
    )  # a batch, what is not yet counted, eight threads
    assert opened.counts["corrupt"] == 0
    assert temporary_files(tmp_path) == []


def evict_and_die(root: Path, at: int) -> bool:
    """Evicts in a process that is killed in place of its ``at``-th system call; whether it lived to the end."""
    pid = os.fork()
    if not pid:
        with contextlib.suppress(BaseException):
            store, stats = new_store(root, disk="2MiB")
            with seams(dying(at)):
                evict(store.tiers[0], stats, lambda victim: None)
            os._exit(0)
        os._exit(1)
    ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert ended in (0, -signal.SIGKILL)
    return ended == 0


def test_an_evictor_killed_at_any_call_leaves_a_sound_tier(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path, disk="100MiB")
    at, lived = 1, False
    while not lived:
        fill(store, range(60))
        mark_as_read(tmp_path, range(0, 60, 3))
        store.tiers[0].ledger.reset(Usage(on_disk(tmp_path), 60, 0), store.tiers[0].ledger.published.total())
        lived = evict_and_die(tmp_path, at)
        later, stats = new_store(tmp_path, disk="2MiB")
        assert later.tiers[0].lock.claim(EVICTOR), "the dead hold no lock"
        later.tiers[0].lock.release(EVICTOR)
        evict_exactly(later)
        assert 2 * MIB * 0.95 - ON_DISK <= on_disk(tmp_path) <= 2 * MIB
        assert later.tiers[0].ledger.used() == on_disk(tmp_path)
        for number in kept(later, range(60)):
            block = later.lookup(identity(number), 0)
            assert isinstance(block, CachedBlock)
            assert block.data() == DATA
        assert stats.snapshot()["corrupt"] == stats.snapshot()["tier_faults"] == 0
        later.close()
        at += 1 if at < 12 else 17
    assert at > 60
    for path in tmp_path.glob("usage.*"):  # of one that died while it wrote
        os.utime(path, (0, 0))
    assert store.upkeep()
    assert {path.name for path in tmp_path.iterdir()} <= {"cache-id", "lock", "usage", "published", "upkeep", "v1"}

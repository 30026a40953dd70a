"""Why bytes came from the origin: each missed block is counted once, with one reason, whatever happens to it."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from hybridfs import FileChanged
from hybridfs.layout import flight_offset
from hybridfs.locks import LockFile
from hybridfs.stats import Miss
from tests.python.seams import seams
from tests.python.support import (
    BLOCK,
    MIB,
    Cache,
    ScriptedOrigin,
    blocks_in,
    cache,
    misses,
    new_store,
    pattern,
    wait_for,
)

DATA = pattern(6 * BLOCK + 100)
BLOCKS = 7


@pytest.fixture
def another(tmp_path: Path, origin: ScriptedOrigin) -> Iterator[LockFile]:
    """Another process that holds the locks of blocks 1 and 2, and never publishes."""
    new_store(tmp_path)
    locks = LockFile(str(tmp_path / "lock"), 0o600)
    assert all(locks.claim(flight_offset(origin.identity("/f"), block, BLOCK)) for block in (1, 2))
    yield locks
    locks.close()


def fill(root: Path, origin: ScriptedOrigin) -> None:
    with cache(root) as used:
        assert used.read(origin, "/f") == DATA
    assert len(blocks_in(root)) == BLOCKS


def counted(used: Cache) -> dict[str, int]:
    used.settle()
    return misses(used.counts)


def test_cold_once_whatever_is_read_again(tmp_path: Path, origin: ScriptedOrigin) -> None:
    with cache(tmp_path) as used:
        for _ in range(3):
            assert used.read(origin, "/f") == DATA
            used.settle()
        assert counted(used) == {"cold": BLOCKS}
        assert used.counts["hit_blocks_disk"] == BLOCKS, "the second time; the third they are open"
        assert used.counts["hit_blocks_map"] == BLOCKS


def test_one_hit_of_the_disk_for_a_block_however_it_is_read(tmp_path: Path, origin: ScriptedOrigin) -> None:
    fill(tmp_path, origin)
    with cache(tmp_path) as used, used.open(origin, "/f") as file:
        for _ in range(50):
            file.read(100)
        assert (used.counts["hit_blocks_disk"], used.counts["hit_blocks_map"]) == (1, 49)
        assert counted(used) == {}


def test_blocks_read_ahead_and_never_used_are_missed_once(tmp_path: Path, origin: ScriptedOrigin) -> None:
    with cache(tmp_path, fetch_size=2 * BLOCK) as used, used.open(origin, "/f") as file:
        for place in (0, BLOCK, 0, BLOCK, 3 * BLOCK, 0):
            assert file.pread(place, 50) == DATA[place : place + 50]
        assert counted(used) == {"cold": -(-origin.bytes_read // BLOCK)}


def test_ranges_that_share_blocks(tmp_path: Path, origin: ScriptedOrigin) -> None:
    with cache(tmp_path) as used, used.open(origin, "/f") as file:
        file._stream.read_ranges([(0, 10), (BLOCK - 5, BLOCK + 5), (20, 30), (5 * BLOCK, 5 * BLOCK + 1)])
        assert counted(used) == {"cold": 3}


def test_corrupt_trailers(tmp_path: Path, origin: ScriptedOrigin) -> None:
    fill(tmp_path, origin)
    for block in blocks_in(tmp_path)[:3]:
        block.write_bytes(block.read_bytes()[:-1])
    with cache(tmp_path) as used:
        assert used.read(origin, "/f") == DATA
        assert counted(used) == {"corrupt": 3}, "though the fetch finds no block in their place"
        assert used.counts["corrupt"] == 3
        assert len(blocks_in(tmp_path)) == BLOCKS


def test_corrupt_data_that_is_read_past_the_cache(tmp_path: Path, origin: ScriptedOrigin) -> None:
    fill(tmp_path, origin)
    for block in blocks_in(tmp_path):
        content = bytearray(block.read_bytes())
        content[0] ^= 1
        block.write_bytes(content)
    with cache(tmp_path) as used:
        assert used.read(origin, "/f") == DATA
        assert counted(used) == {"corrupt": BLOCKS}
        assert used.counts["origin_bytes"] == len(DATA)
        assert used.read(origin, "/f") == DATA
        assert counted(used) == {"corrupt": BLOCKS, "cold": BLOCKS}, "they are gone"


def test_data_that_cannot_be_read(tmp_path: Path, origin: ScriptedOrigin) -> None:
    fill(tmp_path, origin)
    with cache(tmp_path) as used, used.open(origin, "/f") as file:
        assert file.read(10) == DATA[:10]

        def broken(name: str, number: int) -> None:
            if name in ("pread", "preadv"):
                raise OSError(errno.EIO, "a test's")

        with seams(broken):
            assert file.pread(BLOCK - 10, 10) == DATA[BLOCK - 10 :][:10], "of the chunk that was read before"
        assert counted(used) == {"tier_off": 1}
        assert used.counts["tier_faults"] >= 1


def test_a_block_of_another_file_of_the_same_name(tmp_path: Path) -> None:
    origin = ScriptedOrigin()
    origin.write("/f", DATA, token="1", validator=7)
    fill(tmp_path, origin)
    new = pattern(len(DATA), seed=2)
    origin.write("/f", new, token="1", validator=8)
    with cache(tmp_path) as used:
        assert used.read(origin, "/f") == new
        assert counted(used) == {"version_changed": BLOCKS}


def test_a_file_that_changes_while_it_is_fetched(tmp_path: Path, origin: ScriptedOrigin) -> None:
    def change(call: str, path: str) -> None:
        if call == "after read":
            origin.hook = lambda call, path: None
            origin.write("/f", DATA)

    with cache(tmp_path, readahead=0) as used, used.open(origin, "/f") as file:
        origin.hook = change
        with pytest.raises(FileChanged):
            file.read(10)
        assert counted(used) == {"version_changed": 1}
        assert blocks_in(tmp_path) == []


def test_a_lock_that_is_never_given_back(tmp_path: Path, origin: ScriptedOrigin, another: LockFile) -> None:
    with cache(tmp_path, lock_timeout="100ms") as used:
        assert used.read(origin, "/f") == DATA
        assert counted(used) == {"lock_timeout": 2, "cold": BLOCKS - 2}
        assert used.counts["lock_timeouts"] == 2


def test_what_somebody_else_fetched_is_no_miss(tmp_path: Path, origin: ScriptedOrigin, another: LockFile) -> None:
    with cache(tmp_path) as used, ThreadPoolExecutor(1) as pool:
        found = pool.submit(used.read, origin, "/f")
        wait_for(lambda: origin.bytes_read == len(DATA) - 2 * BLOCK, "what is free has been fetched")
        store, _ = new_store(tmp_path)
        for block in (1, 2):
            assert store.publish(origin.identity("/f"), block, memoryview(DATA)[block * BLOCK :][:BLOCK]) is None
        assert found.result(20) == DATA
        assert counted(used) == {"cold": BLOCKS - 2}
        assert used.counts["hit_blocks_disk"] == 2


@pytest.mark.parametrize(
    ("error", "reason"), [(errno.ENOSPC, "no_space"), (errno.EDQUOT, "no_space"), (errno.EIO, "tier_off")]
)
def test_a_tier_that_takes_nothing(tmp_path: Path, origin: ScriptedOrigin, error: int, reason: str) -> None:
    def broken(name: str, number: int) -> None:
        if name == "writev":
            raise OSError(error, os.strerror(error))

    with cache(tmp_path) as used, seams(broken):
        for _ in range(2):
            assert used.read(origin, "/f") == DATA
        assert counted(used) == {reason: 2 * BLOCKS}


def test_while_nothing_is_published_nobody_waits_for_whom_fetches_the_same(
    tmp_path: Path, origin: ScriptedOrigin, another: LockFile
) -> None:
    with cache(tmp_path) as used:
        used.store.tiers[0].rest(Miss.NO_SPACE)
        assert used.read(origin, "/f") == DATA
        assert counted(used) == {"no_space": BLOCKS}
        assert used.counts["lock_timeouts"] == 0


def test_what_kept_a_block_out_comes_before_why_it_was_not_found(tmp_path: Path, origin: ScriptedOrigin) -> None:
    fill(tmp_path / "aside", origin)
    for block in blocks_in(tmp_path / "aside"):
        damaged = tmp_path / block.relative_to(tmp_path / "aside")
        damaged.parent.mkdir(parents=True, exist_ok=True)
        damaged.write_bytes(block.read_bytes()[:-1])

    def full(name: str, number: int) -> None:
        if name == "writev":
            raise OSError(errno.ENOSPC, "a test's")

    with cache(tmp_path) as used, seams(full):
        assert used.read(origin, "/f") == DATA
        assert counted(used) == {"no_space": BLOCKS}
        assert used.counts["corrupt"] > 0, "that is counted besides; a full disk is evicted from, too"


def test_a_root_that_cannot_be_used(tmp_path: Path, origin: ScriptedOrigin) -> None:
    (tmp_path / "root").write_text("precious")
    origin.write("/f", pattern(2 * MIB + 1))
    with cache(tmp_path / "root") as used:
        used.read(origin, "/f")
        assert counted(used) == {"tier_off": 3}


@pytest.mark.parametrize("call", ["before read", "after read"])
def test_a_block_that_is_read_again_after_its_reader_failed(tmp_path: Path, origin: ScriptedOrigin, call: str) -> None:
    """In the second case its bytes came, and the version could not be confirmed."""
    failures = iter([1])

    def fail(called: str, path: str) -> None:
        if called == "before read" and next(failures, None):
            raise OSError(errno.EIO, "a test's", path)

    def fail_to_confirm(called: str, path: str) -> None:
        if called == "after read":
            asked.append(path)
        elif called == "before status" and asked and next(failures, None):
            raise OSError(errno.EIO, "a test's", path)

    asked: list[str] = []
    with cache(tmp_path, readahead=0) as used, used.open(origin, "/f") as file:
        origin.hook = fail if call == "before read" else fail_to_confirm
        assert file.read(10) == DATA[:10]
        assert counted(used) == {"cold": 1}


def test_a_fetch_that_fails_for_good_is_no_miss(tmp_path: Path, origin: ScriptedOrigin) -> None:
    def fail(call: str, path: str) -> None:
        if call == "before read":
            raise OSError(errno.EIO, "a test's", path)

    with cache(tmp_path) as used:
        origin.hook = fail
        with pytest.raises(OSError, match="a test's"):
            used.read(origin, "/f")
        assert counted(used) == {}
        assert used.counts["origin_bytes"] == 0


def test_every_block_that_came_from_the_origin_is_counted_once(tmp_path: Path) -> None:
    """Two caches of one root, eight threads, a budget too small, a fill limit, rot, and readers that fail."""
    chance = random.Random(1)
    origin, size = ScriptedOrigin(), 24 * BLOCK
    for number in range(4):
        origin.write(f"/{number}", pattern(size, number))

    def fail_sometimes(call: str, path: str) -> None:
        if call == "before read" and chance.random() < 0.05:
            raise OSError(errno.EIO, "a test's", path)

    def read_on(used: Cache, seed: int) -> None:
        mine = random.Random(seed)
        for _ in range(40):
            path, start = f"/{mine.randrange(4)}", mine.randrange(size)
            with suppress(OSError), used.open(origin, path) as file:
                for place in (start, start + 3 * BLOCK):
                    got = file.pread(place, 2 * BLOCK)
                    assert got == origin.files[path].data[place:][: len(got)]
            if mine.random() < 0.2:
                with suppress(FileNotFoundError):  # evicted meanwhile, or its directory while it is looked into
                    for block in blocks_in(tmp_path)[:2]:
                        os.truncate(block, 10)

    origin.hook = fail_sometimes
    options = {"disk": 3 * MIB, "map_budget": 0, "fill_limit": 6 * MIB}
    with cache(tmp_path, **options) as one, cache(tmp_path, **options) as two, ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(read_on, used, seed) for seed, used in enumerate([one, two] * 4)]:
            done.result()
        found = [counted(used) for used in (one, two)]
        assert sum(used.counts["miss_blocks"] for used in (one, two)) * BLOCK == origin.bytes_read
        assert sum(used.counts["origin_bytes"] for used in (one, two)) == origin.bytes_read
    assert {"cold", "corrupt", "fill_limit"} <= set(found[0]) | set(found[1])

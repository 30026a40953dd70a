"""Who fetches a block that several want: one of them, unless it dies, gives up or is slow (FORMAT.md section 6)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from hybridfs import HybridFileSystem
from hybridfs.layout import flight_offset
from hybridfs.locks import LockFile
from tests.python.support import BLOCK, ScriptedOrigin, blocks_in, cache, child, in_fork, new_store, pattern, wait_for

DATA = pattern(4 * BLOCK + 100)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    new_store(tmp_path / "root")
    return tmp_path / "root"


@pytest.fixture
def another(root: Path) -> Iterator[LockFile]:
    """The locks as another process has them."""
    locks = LockFile(str(root / "lock"), 0o600)
    yield locks
    locks.close()


def hold(locks: LockFile, origin: ScriptedOrigin, *blocks: int) -> list[int]:
    offsets = [flight_offset(origin.identity("/f"), block, BLOCK) for block in blocks]
    assert all(locks.claim(offset) for offset in offsets)
    return offsets


def publish(root: Path, origin: ScriptedOrigin, *blocks: int) -> None:
    store, _ = new_store(root)
    for block in blocks:
        data = memoryview(DATA)[block * BLOCK :][:BLOCK]
        assert store.publish(origin.identity("/f"), block, data) is None


def reading(pool: ThreadPoolExecutor, used: object, origin: ScriptedOrigin) -> Future[bytes]:
    return pool.submit(used.read, origin, "/f")  # type: ignore[attr-defined]


def test_a_waiter_takes_what_the_holder_publishes(root: Path, origin: ScriptedOrigin, another: LockFile) -> None:
    offsets = hold(another, origin, 1, 2)
    with ThreadPoolExecutor(1) as pool, cache(root, fetch_size=8 * BLOCK) as used:
        found = reading(pool, used, origin)
        wait_for(lambda: origin.bytes_read == len(DATA) - 2 * BLOCK, "what is free has been fetched")
        publish(root, origin, 1, 2)
        assert found.result(20) == DATA
        for offset in offsets:
            another.release(offset)
        assert origin.bytes_read == len(DATA) - 2 * BLOCK
        assert used.counts["lock_timeouts"] == 0


def test_a_waiter_takes_over_what_the_holder_gives_up(root: Path, origin: ScriptedOrigin, another: LockFile) -> None:
    offsets = hold(another, origin, 0, 3)
    with ThreadPoolExecutor(1) as pool, cache(root, fetch_size=8 * BLOCK) as used:
        found = reading(pool, used, origin)
        wait_for(lambda: origin.bytes_read == len(DATA) - 2 * BLOCK, "what is free has been fetched")
        for offset in offsets:
            another.release(offset)
        assert found.result(20) == DATA
        used.settle()
    assert origin.bytes_read == len(DATA)
    assert len(blocks_in(root)) == 5


def test_a_waiter_does_not_wait_for_ever(root: Path, origin: ScriptedOrigin, another: LockFile) -> None:
    hold(another, origin, *range(5))
    with cache(root, lock_timeout="200ms") as used:
        started = time.monotonic()
        with used.open(origin, "/f") as file:
            assert file.read(10) == DATA[:10]
        assert 0.2 <= time.monotonic() - started < 10
        assert used.read(origin, "/f") == DATA
        assert used.counts["lock_timeouts"] >= 4


HOLD = """
import sys
from hybridfs.locks import LockFile
locks = LockFile(sys.argv[1], 0o600)
print(all(locks.claim(int(offset)) for offset in sys.argv[2:]), flush=True)
sys.stdin.readline()
"""


def test_a_holder_that_is_killed_is_replaced_at_once(root: Path, origin: ScriptedOrigin) -> None:
    offsets = [flight_offset(origin.identity("/f"), block, BLOCK) for block in range(5)]
    with child(HOLD, root / "lock", *offsets) as holder, ThreadPoolExecutor(1) as pool, cache(root) as used:
        assert holder.hear() == "True"
        found = reading(pool, used, origin)
        wait_for(lambda: used.engine._fetcher._pool._threads, "the reader is at it")
        assert origin.bytes_read == 0
        holder.kill()
        assert found.result(5) == DATA
        assert used.counts["lock_timeouts"] == 0


def test_a_corrupt_block_of_the_holder_is_dropped_once(root: Path, origin: ScriptedOrigin, another: LockFile) -> None:
    hold(another, origin, 1)
    with ThreadPoolExecutor(1) as pool, cache(root, readahead=0) as used, used.open(origin, "/f") as file:
        found = pool.submit(file.pread, BLOCK, 100)
        wait_for(lambda: used.engine._fetcher._pool._threads, "the reader is at it")
        publish(root / "aside", origin, 1)
        (block,) = blocks_in(root / "aside")
        content = bytearray(block.read_bytes())
        content[50] ^= 1
        block.write_bytes(content)
        place = root / block.relative_to(root / "aside")
        place.parent.mkdir(parents=True)
        block.rename(place)
        assert found.result(20) == DATA[BLOCK:][:100]
        assert not place.exists()
        publish(root, origin, 1)
        assert file.pread(BLOCK, 100) == DATA[BLOCK:][:100]
        assert place.exists(), "the sound one stays"
        assert used.counts["corrupt"] == 1


def test_readers_of_other_parts_do_not_wait(root: Path, origin: ScriptedOrigin, another: LockFile) -> None:
    hold(another, origin, 0)
    with cache(root, readahead=0) as used, used.open(origin, "/f") as file:
        assert file.pread(3 * BLOCK, 100) == DATA[3 * BLOCK :][:100]
        assert used.counts["lock_timeouts"] == 0


def test_a_fetch_that_fails_frees_its_locks(root: Path, origin: ScriptedOrigin, another: LockFile) -> None:
    def fails(call: str, path: str) -> None:
        if call == "before read":
            raise OSError(5, "the origin fails")

    origin.hook = fails
    with cache(root) as used:
        with pytest.raises(OSError, match="the origin fails"):
            used.read(origin, "/f")
        used.settle()
        hold(another, origin, *range(5))


def test_a_fork_in_mid_fetch_leaves_parent_and_child_well(tmp_path: Path) -> None:
    """The child has none of its parent's threads, and its locks are the parent's."""
    source, reads = tmp_path / "source", threading.Event()
    source.write_bytes(DATA)
    os.utime(source, (1_700_000_000, 1_700_000_000))
    time.sleep(0.03)  # its version is settled
    fs = HybridFileSystem(target_protocol="file", cache_dir=str(tmp_path / "root"), block_size=BLOCK, min_free=0)
    with ThreadPoolExecutor(4) as pool, fs.open(str(source)) as file:
        assert file.read(100) == DATA[:100]
        running = [pool.submit(read_again_and_again, fs, str(source), reads) for _ in range(4)]
        for _ in range(5):
            in_fork(lambda: fs.cat_file(str(source)) == DATA and file.pread(50, 100) == DATA[50:150])
        reads.set()
        assert all(future.result(30) for future in running)
        assert file.read() == DATA[100:]


def read_again_and_again(fs: HybridFileSystem, path: str, enough: threading.Event) -> bool:
    while not enough.is_set():
        if fs.cat_file(path) != DATA:
            return False
    return True

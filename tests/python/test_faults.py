"""Where the cache directory is unusable, full or gone: right bytes from the origin, one warning, a counter.

The functions that mount something run in a mount namespace of their own, which ends with their process.
"""

from __future__ import annotations

import errno
import logging
import os
import resource
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridfs import tier
from hybridfs.eviction import evict
from hybridfs.layout import Identity
from hybridfs.stats import Miss
from hybridfs.store import NoStore
from tests.python.evicting import read_since
from tests.python.seams import seams
from tests.python.support import (
    BLOCK,
    KIB,
    MIB,
    ScriptedOrigin,
    belongs_to_a_stranger,
    blocks_in,
    cache,
    children,
    in_namespace,
    pattern,
    run_python,
    temporary_files,
)

DATA = pattern(10 * BLOCK)


@pytest.fixture
def origin() -> ScriptedOrigin:
    return an_origin()


def an_origin() -> ScriptedOrigin:
    made = ScriptedOrigin()
    made.write("/f", DATA)
    return made


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "hybridfs"]


def served_without_cache(root: Path, origin: ScriptedOrigin, caplog: pytest.LogCaptureFixture) -> str:
    """Reads three times through an unusable root; returns the one warning."""
    before = origin.bytes_read
    with cache(root) as used:
        for _ in range(3):
            assert used.read(origin, "/f") == DATA
        used.settle()
    assert isinstance(used.engine.store, NoStore)
    assert used.counts["tier_faults"] == 1
    assert used.counts["miss_blocks"] == 3, "blocks of the default size"
    assert used.counts["published_blocks"] == 0
    assert origin.bytes_read - before == used.counts["origin_bytes"] == 3 * len(DATA)
    (warning,) = warnings_of(caplog)
    assert str(root) in warning
    assert "reads go on from the origin" in warning
    return warning


# ---- directories that cannot be used


def test_missing_parents_are_made(tmp_path: Path, origin: ScriptedOrigin, caplog: pytest.LogCaptureFixture) -> None:
    with cache(tmp_path / "a" / "b" / "c") as used:
        assert used.read(origin, "/f") == DATA
    assert len(blocks_in(tmp_path / "a" / "b" / "c")) == 10
    assert warnings_of(caplog) == []


def test_a_file_in_its_place(tmp_path: Path, origin: ScriptedOrigin, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "root").write_text("precious")
    served_without_cache(tmp_path / "root", origin, caplog)
    assert (tmp_path / "root").read_text() == "precious"


def test_a_file_above_it(tmp_path: Path, origin: ScriptedOrigin, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("precious")
    served_without_cache(tmp_path / "file" / "root", origin, caplog)


def test_a_dangling_link(tmp_path: Path, origin: ScriptedOrigin, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "root").symlink_to(tmp_path / "nothing")
    served_without_cache(tmp_path / "root", origin, caplog)


def test_writable_by_all(tmp_path: Path, origin: ScriptedOrigin, caplog: pytest.LogCaptureFixture) -> None:
    tmp_path.chmod(0o777)
    assert "chmod 700" in served_without_cache(tmp_path, origin, caplog)
    assert list(tmp_path.iterdir()) == []


def test_of_a_stranger(
    tmp_path: Path, origin: ScriptedOrigin, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    belongs_to_a_stranger(tmp_path, monkeypatch)
    assert "name another with cache_dir" in served_without_cache(tmp_path, origin, caplog)
    assert list(tmp_path.iterdir()) == []


def test_garbled(tmp_path: Path, origin: ScriptedOrigin, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cache-id").write_text("?")
    tmp_path.chmod(0o700)
    assert "remove it" in served_without_cache(tmp_path, origin, caplog)


def test_where_nothing_can_be_made(origin: ScriptedOrigin, caplog: pytest.LogCaptureFixture) -> None:
    """A file system that makes no directories, for whoever asks."""
    served_without_cache(Path("/proc/self/hybridfs"), origin, caplog)


def test_disabled(tmp_path: Path, origin: ScriptedOrigin, caplog: pytest.LogCaptureFixture) -> None:
    with cache(tmp_path / "root", enabled=False) as used:
        for _ in range(2):
            assert used.read(origin, "/f") == DATA
    assert not (tmp_path / "root").exists()
    assert warnings_of(caplog) == []
    assert (used.counts["tier_faults"], used.counts["origin_bytes"]) == (0, 2 * len(DATA))


# ---- mounted for the purpose


def mount(directory: str, *options: str) -> Path:
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", directory], check=True)
    os.chmod(directory, 0o700)
    return Path(directory)


def in_a_read_only_place(directory: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,mode=700", "tmpfs", directory], check=True)
    origin = an_origin()
    for root in (Path(directory), Path(directory) / "root"):
        with cache(root) as used:
            assert used.read(origin, "/f") == used.read(origin, "/f") == DATA
        assert used.counts["tier_faults"] == 1
        assert isinstance(used.engine.store, NoStore)


def in_a_root_that_became_read_only(directory: str) -> None:
    root, origin = mount(directory, "size=16m"), an_origin()
    with cache(root) as used:
        assert used.read(origin, "/f") == DATA
    subprocess.run(["mount", "-o", "remount,ro", directory], check=True)
    with cache(root) as later:
        assert later.read(origin, "/f") == later.read(origin, "/f") == DATA
        assert later.counts["tier_faults"] >= 1
    subprocess.run(["mount", "-o", "remount,rw", directory], check=True)
    with cache(root) as again:
        assert again.read(origin, "/f") == DATA
        assert (again.counts["miss_blocks"], again.counts["tier_faults"]) == (0, 0)


def in_a_full_place(directory: str) -> None:
    """Larger budgets than the disk has room: it is found out, and room is made."""
    root, origin = mount(directory, "size=4m"), ScriptedOrigin()
    for number in range(8):
        origin.write(f"/{number}", pattern(MIB, seed=number))
    tier.REST_SECONDS = 0.2
    for turn in range(3):
        with cache(root, fetch_streams=2) as used:
            for number in range(8):
                assert used.read(origin, f"/{number}") == pattern(MIB, seed=number)
            used.settle()
            assert temporary_files(root) == []
            assert used.counts["corrupt"] == 0
            assert used.counts["tier_faults"] >= 1 or turn
    assert used.counts["evicted_blocks"] > 0, "a full disk is evicted from"
    assert len(blocks_in(root)) > 2 * MIB // BLOCK, "and goes on to be used"


def above_the_floor(directory: str) -> None:
    root, origin = mount(directory, "size=12m"), ScriptedOrigin()
    with cache(root, min_free="4MiB", fetch_streams=1) as used:
        for number in range(20):
            origin.write(f"/{number}", pattern(MIB, seed=number))
            assert used.read(origin, f"/{number}") == pattern(MIB, seed=number)
            used.settle()
            volume = os.statvfs(directory)
            assert volume.f_bavail * volume.f_frsize >= 4 * MIB - 2 * MIB
        assert used.counts["tier_faults"] == 0
        assert used.counts["evicted_blocks"] > 0


def among_readers_that_hold_everything(directory: str) -> None:
    """What is unlinked is not freed: the evictor stops, instead of emptying the cache for nothing."""
    root = mount(directory, "size=100m")
    with cache(root, disk="1GiB") as used:
        store = used.store
        for number in range(800):
            identity = Identity("test", f"test://origin/{number}", "1", BLOCK)
            assert store.publish(identity, 0, memoryview(DATA)[:BLOCK]) is None
    held = [path.open("rb") for path in blocks_in(root)]
    with cache(root, disk="1GiB", min_free="90MiB") as used:
        tier = used.store.tiers[0]
        evict(tier, used.stats, lambda victim: None)
        assert 16 * MIB <= used.counts["evicted_blocks"] * (BLOCK + 4 * KIB) <= 17 * MIB
        assert tier.closed is Miss.NO_SPACE
        assert used.counts["tier_faults"] == 0
        for file in held:
            file.close()
        evict(tier, used.stats, lambda victim: None)
        volume = os.statvfs(directory)
        assert 90 * MIB <= volume.f_bavail * volume.f_frsize <= 92 * MIB


def without_access_times(directory: str) -> None:
    root, origin = mount(directory, "size=16m", "noatime"), an_origin()
    for expected in (0, 10):
        assert len(read_since(root)) == expected
        with cache(root) as used:
            assert used.read(origin, "/f") == used.read(origin, "/f") == DATA
            used.settle()
        with cache(root) as another:
            assert another.read(origin, "/f") == DATA
    assert len(read_since(root)) == 10


MOUNTS = (
    *(in_a_read_only_place, in_a_root_that_became_read_only, in_a_full_place, above_the_floor),
    *(without_access_times, among_readers_that_hold_everything),
)


@pytest.mark.parametrize("body", MOUNTS)
def test_mounts(body: Callable[[str], None], tmp_path: Path) -> None:
    in_namespace(body, tmp_path)


# ---- limits of the process


def with_a_limit_on_the_size_of_files(directory: str) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (40 * KIB, 40 * KIB))
    origin = an_origin()
    with cache(Path(directory)) as used:
        for _ in range(2):
            assert used.read(origin, "/f") == DATA
            used.settle()
        assert used.counts["tier_faults"] == 1
        assert used.counts["published_blocks"] == 0
    assert temporary_files(Path(directory)) == []


def with_a_limit_on_memory(directory: str) -> None:
    """Where no map can be made any more, blocks are read."""
    data, origin = pattern(64 * MIB), ScriptedOrigin()
    origin.write("/f", data)
    with cache(Path(directory), block_size="16MiB", map_budget="1GiB") as used:
        assert used.read(origin, "/f") == data
    with cache(Path(directory), block_size="16MiB", map_budget="1GiB") as used, used.open(origin, "/f") as file:
        file.pread(0, 1000)
        used.settle()
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + 40 * MIB
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        for offset in range(0, len(data), 100_003):
            assert file.pread(offset, 1000) == data[offset : offset + 1000]
        assert used.counts["corrupt"] == used.counts["tier_faults"] == 0
        assert used.counts["miss_blocks"] == 0
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.mark.parametrize("body", [with_a_limit_on_the_size_of_files, with_a_limit_on_memory])
def test_limits(body: Callable[[str], None], tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    run_python(f"import sys; from {__name__} import {body.__name__} as body; body(sys.argv[1])", tmp_path)


# ---- a root that goes away while it is used


def test_a_removed_root_comes_back(tmp_path: Path, origin: ScriptedOrigin, caplog: pytest.LogCaptureFixture) -> None:
    root = tmp_path / "root"
    with cache(root) as used, used.open(origin, "/f") as kept:
        assert used.read(origin, "/f") == DATA
        used.settle()
        shutil.rmtree(root)
        assert kept.read() == used.read(origin, "/f") == DATA
        origin.write("/g", DATA[::-1])
        assert used.read(origin, "/g") == DATA[::-1]
        used.settle()
        assert len(blocks_in(root)) == 20
        assert stat.S_IMODE(root.stat().st_mode) == 0o700
        with cache(root) as another:
            assert another.read(origin, "/g") == DATA[::-1]
            assert another.counts["miss_blocks"] == 0
            assert another.counts["corrupt"] == 0
    assert used.counts["corrupt"] == 0
    assert warnings_of(caplog) == []


def test_a_root_whose_parent_was_removed_comes_back(tmp_path: Path, origin: ScriptedOrigin) -> None:
    with cache(tmp_path / "a" / "root") as used:
        shutil.rmtree(tmp_path / "a")
        assert used.read(origin, "/f") == DATA
        used.settle()
        assert len(blocks_in(tmp_path / "a" / "root")) == 10


def test_a_root_replaced_by_a_file_rests(
    tmp_path: Path, origin: ScriptedOrigin, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    with cache(root) as used:
        shutil.rmtree(root)
        root.write_text("a file")
        for _ in range(3):
            assert used.read(origin, "/f") == DATA
            used.settle()
        assert used.counts["tier_faults"] >= 1
        assert len(warnings_of(caplog)) == 1
        root.unlink()
        monkeypatch.setattr(used.store.tiers[0], "_rests_until", 0.0)
        assert used.read(origin, "/f") == DATA
        used.settle()
        assert len(blocks_in(root)) == 10
        assert len(warnings_of(caplog)) == 1


REMOVE = """
import shutil, sys
print("ready", flush=True)
for line in sys.stdin:
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    print("removed", flush=True)
"""


def test_a_root_that_is_removed_again_and_again(tmp_path: Path, origin: ScriptedOrigin) -> None:
    """By another process, while this one reads and publishes."""
    with cache(tmp_path / "root") as used, children(REMOVE, [(tmp_path / "root",)]) as (remover,):
        assert remover.hear() == "ready"
        for number in range(40):
            origin.write(f"/{number}", pattern(5 * BLOCK, seed=number))
            remover.tell("now")
            assert used.read(origin, f"/{number}") == pattern(5 * BLOCK, seed=number)
            assert remover.hear() == "removed"
    assert used.counts["corrupt"] == 0


def test_no_map_no_harm(tmp_path: Path, origin: ScriptedOrigin) -> None:
    def no_map(name: str, number: int) -> None:
        if name == "mmap":
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    with cache(tmp_path) as used:
        used.read(origin, "/f")
    with seams(no_map), cache(tmp_path) as used, used.open(origin, "/f") as file:
        assert file.read(1000) == DATA[:1000]
        assert bytes(file.read_buffer(1000)) == DATA[1000:2000]
        assert file.read() == DATA[2000:]
        assert used.counts["miss_blocks"] == used.counts["tier_faults"] == 0


def test_a_warning_comes_once_a_tier(tmp_path: Path, origin: ScriptedOrigin, caplog: pytest.LogCaptureFixture) -> None:
    with cache(tmp_path / "root") as used:
        for number in (errno.EIO, errno.ENOSPC, errno.EROFS):
            used.store.tiers[0].fault(OSError(number, os.strerror(number)))
        assert used.read(origin, "/f") == DATA
    assert used.counts["tier_faults"] == 3
    (warning,) = warnings_of(caplog)
    assert os.strerror(errno.EIO) in warning
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES])
def test_a_full_tier_is_read_from_and_a_faulty_one_is_not(
    tmp_path: Path, error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tier, "REST_SECONDS", 1e6)
    full = error in (errno.ENOSPC, errno.EDQUOT)
    why = Miss.NO_SPACE if full else Miss.TIER_OFF
    one, two = (Identity("test", f"test://origin/{number}", "1", BLOCK) for number in range(2))
    data = memoryview(DATA)[:BLOCK]
    with cache(tmp_path) as used:
        store = used.store
        store.tiers[0].ledger.published._remainder = 0  # nothing is told to evictors yet
        assert store.lookup(one, 0) is Miss.COLD
        assert store.publish(one, 0, data) is None

        def act(name: str, number: int) -> None:
            if name == "writev":
                raise OSError(error, "a test's")

        with seams(act):
            assert store.publish(two, 0, data) is why
        assert store.publish(two, 0, data) is why
        assert store.tiers[0].closed is why
        assert isinstance(store.lookup(one, 0), Miss) is not full
        assert store.holds(one, 0) is full
        assert store.lookup(two, 0) is (Miss.COLD if full else Miss.TIER_OFF)
        assert used.counts["tier_faults"] == (2 if full else 1), "an evictor could not write, either"
        monkeypatch.setattr(store.tiers[0], "_rests_until", 0.0)
        assert store.publish(two, 0, data) is None
        assert not isinstance(store.lookup(one, 0), Miss)

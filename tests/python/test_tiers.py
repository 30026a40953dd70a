"""Memory over disk over disk: where blocks go, come from, and are counted (FORMAT.md sections 1 and 7)."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from hybridfs.blocks import CachedBlock
from hybridfs.errors import CorruptBlock
from hybridfs.layout import Identity, block_path
from hybridfs.root import open_root
from hybridfs.stats import Miss
from hybridfs.store import Store
from tests.python.evicting import evict_exactly
from tests.python.support import (
    BLOCK,
    KIB,
    MIB,
    Cache,
    ScriptedOrigin,
    blocks_in,
    cache,
    new_store,
    pattern,
)

DATA = pattern(4 * BLOCK)


@pytest.fixture
def root(memory_root: Path) -> Path:
    return memory_root


def memory_of(root: Path) -> Path:
    return Path(open_root(str(root), None).memory_directory)


def read_as_new_process(root: Path, origin: ScriptedOrigin, **options: object) -> dict[str, int]:
    """Reads the file with nothing remembered; returns the counters."""
    time.sleep(0.01)  # a tick of the file system's clock: a read at a later time than the publishing
    with cache(root, **options) as opened:
        assert opened.read(origin, "/f") == DATA
        opened.settle()
        return opened.counts


def hits(counts: dict[str, int]) -> tuple[int, int, int, int]:
    return tuple(counts[name] for name in ("hit_blocks_memory", "hit_blocks_disk", "hit_bytes", "miss_blocks"))  # type: ignore[return-value]


def test_a_reused_block_rises_to_memory_and_is_counted_there(root: Path, origin: ScriptedOrigin) -> None:
    memory = memory_of(root)
    first = read_as_new_process(root, origin, memory="1MiB")
    assert hits(first) == (0, 0, 0, 4)
    assert (len(blocks_in(root)), len(blocks_in(memory))) == (4, 0)
    second = read_as_new_process(root, origin, memory="1MiB")
    assert hits(second) == (0, 4, len(DATA), 0)
    assert second["promoted_blocks"] == 0, "read once is no re-use"
    third = read_as_new_process(root, origin, memory="1MiB")
    assert hits(third) == (0, 4, len(DATA), 0)
    assert third["promoted_blocks"] == 4
    assert len(blocks_in(memory)) == 4
    assert hits(read_as_new_process(root, origin, memory="1MiB")) == (4, 0, len(DATA), 0)
    assert origin.bytes_read == len(DATA)


def test_the_memory_tier_is_off_unless_it_has_a_budget(root: Path, origin: ScriptedOrigin) -> None:
    for _ in range(3):
        read_as_new_process(root, origin)
    assert not memory_of(root).exists()


def test_the_memory_tier_keeps_its_budget_and_its_modes(root: Path, origin: ScriptedOrigin) -> None:
    data = pattern(4 * MIB)
    origin.write("/f", data)
    for _ in range(3):
        time.sleep(0.01)
        with cache(root, memory="1MiB") as opened:
            assert opened.read(origin, "/f") == data
    memory = memory_of(root)
    assert memory.stat().st_mode & 0o7777 == 0o700
    assert 0 < len(blocks_in(memory)) <= (2 * MIB) // BLOCK
    assert len(blocks_in(root)) == 64
    assert opened.counts["demoted_blocks"] == 0, "what is below already is not copied again"


def test_opened_again_by_the_same_process_a_block_is_served_from_its_map(root: Path, origin: ScriptedOrigin) -> None:
    read_as_new_process(root, origin)
    with cache(root) as opened:
        for _ in range(3):
            assert opened.read(origin, "/f") == DATA
        assert opened.counts["hit_blocks_disk"] == 4
        assert opened.counts["hit_blocks_map"] == 8
        assert opened.counts["hit_bytes"] == 3 * len(DATA)


def two_disks(tmp_path: Path, first: str | int) -> list[tuple[str, object]]:
    return [(str(tmp_path / "ssd"), first), (str(tmp_path / "hdd"), "100MiB")]


def test_eviction_from_a_tier_goes_to_the_tier_below_and_reuse_brings_it_back(
    root: Path, tmp_path: Path, origin: ScriptedOrigin
) -> None:
    options = {"disk": two_disks(tmp_path, "100MiB")}
    read_as_new_process(root, origin, **options)
    assert (len(blocks_in(tmp_path / "ssd")), len(blocks_in(root))) == (4, 0)
    counts = squeeze(root, tmp_path)
    assert len(blocks_in(tmp_path / "hdd")) == 4
    assert (counts["demoted_blocks"], counts["evicted_blocks"]) == (4, 4)
    once, twice = (read_as_new_process(root, origin, **options) for _ in range(2))
    assert (once["promoted_blocks"], twice["promoted_blocks"]) == (0, 4)
    assert once["origin_bytes"] == twice["origin_bytes"] == 0
    assert (len(blocks_in(tmp_path / "ssd")), len(blocks_in(tmp_path / "hdd"))) == (4, 4)


def test_a_full_first_disk_overflows_to_the_second(root: Path, tmp_path: Path, origin: ScriptedOrigin) -> None:
    data = pattern(6 * MIB)
    origin.write("/f", data)
    with cache(root, disk=two_disks(tmp_path, "2MiB")) as opened:
        assert opened.read(origin, "/f") == data
        opened.settle()
        assert opened.counts["demoted_blocks"] > 0
    with cache(root, disk=two_disks(tmp_path, "2MiB")) as again:
        assert again.read(origin, "/f") == data
        assert again.counts["miss_blocks"] <= 3 * MIB // BLOCK, "most of it is on one of the two disks"
    assert opened.counts["corrupt"] == again.counts["corrupt"] == 0


def corrupt(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.unlink()
    path.write_bytes(content)
    path.chmod(0o600)


def test_a_corrupt_block_in_memory_is_dropped_and_right_bytes_are_served(root: Path, origin: ScriptedOrigin) -> None:
    for _ in range(3):
        read_as_new_process(root, origin, memory="1MiB")
    for path in blocks_in(memory_of(root)):
        corrupt(path)
    assert read_as_new_process(root, origin, memory="1MiB")["corrupt"] == 4
    assert read_as_new_process(root, origin, memory="1MiB")["corrupt"] == 0


def test_a_corrupt_block_is_never_promoted(root: Path, origin: ScriptedOrigin) -> None:
    for _ in range(2):
        read_as_new_process(root, origin)
    for path in blocks_in(root):
        corrupt(path)
    for _ in range(3):
        read_as_new_process(root, origin, memory="1MiB")
    memory = memory_of(root)
    store, stats = new_store(root, memory="1MiB")
    identity = origin.identity("/f")
    for number in range(4):
        if (memory / block_path(identity, number, BLOCK)).exists():
            block = store.lookup(identity, number)
            assert isinstance(block, CachedBlock)
            assert block.data() == DATA[number * BLOCK :][:BLOCK]
    assert stats.snapshot()["corrupt"] == 0


def test_a_block_demoted_by_one_process_is_a_hit_of_another(root: Path, tmp_path: Path, origin: ScriptedOrigin) -> None:
    options = {"disk": two_disks(tmp_path, "100MiB")}
    with cache(root, **options) as one, cache(root, **options) as other:
        assert one.read(origin, "/f") == DATA
        one.settle()
        squeeze(root, tmp_path)
        assert other.read(origin, "/f") == DATA
        assert other.counts["miss_blocks"] == 0
        assert one.read(origin, "/f") == DATA
        assert one.counts["miss_blocks"] == 4


def squeeze(root: Path, tmp_path: Path) -> dict[str, int]:
    """Drives everything from the first disk to the second."""
    store, stats = new_store(root, disk=two_disks(tmp_path, 1))
    evict_exactly(store)
    assert blocks_in(tmp_path / "ssd") == []
    return stats.snapshot()


def test_a_tier_that_cannot_be_used_is_left_out(tmp_path: Path, root: Path, origin: ScriptedOrigin) -> None:
    (tmp_path / "file").write_text("no directory")
    disk = [(str(tmp_path / "file"), "1MiB"), (str(tmp_path / "hdd"), "100MiB")]
    counts = [read_as_new_process(root, origin, disk=disk) for _ in range(2)]
    assert [one["tier_faults"] for one in counts] == [1, 1]
    assert [one["miss_blocks"] for one in counts] == [4, 0]
    assert len(blocks_in(tmp_path / "hdd")) == 4


def test_memory_is_no_place_for_a_link(root: Path, tmp_path: Path, origin: ScriptedOrigin) -> None:
    """/dev/shm is open to all: another user could have put a link there."""
    memory = memory_of(root)
    (tmp_path / "elsewhere").mkdir()
    memory.symlink_to(tmp_path / "elsewhere")
    try:
        assert [read_as_new_process(root, origin, memory="1MiB")["tier_faults"] for _ in range(3)] == [1, 1, 1]
        assert list((tmp_path / "elsewhere").iterdir()) == []
    finally:
        memory.unlink()


def test_store_and_cache_agree_on_the_smallest_budget(root: Path, origin: ScriptedOrigin) -> None:
    """A budget below one block holds nothing and harms nothing."""
    for _ in range(2):
        counts = read_as_new_process(root, origin, disk="1KiB", fetch_size=64 * KIB)
        assert counts["tier_faults"] == 0
    assert isinstance(Cache(root).store, Store)


def test_an_unreadable_copy_sets_its_own_tier_aside(root: Path) -> None:
    """And a sound copy in another tier stays."""
    store, stats = new_store(root, memory="1MiB")
    identity = Identity("test", "test://origin/f", "1", 4 * BLOCK)
    relative = block_path(identity, 0, BLOCK)
    assert store.publish(identity, 0, memoryview(DATA)[:BLOCK]) is None
    found = store.lookup(identity, 0)
    assert isinstance(found, CachedBlock)
    copy = Path(store.tiers[0].directory, relative)
    copy.parent.mkdir(parents=True)
    copy.write_bytes(Path(root, relative).read_bytes())
    corrupt = CorruptBlock("unreadable", "tier_faults", unlink=False)
    corrupt.__cause__ = OSError(5, "Input/output error")
    store.discard(identity, 0, found, corrupt)
    assert [tier.closed for tier in store.tiers] == [None, Miss.TIER_OFF]
    assert copy.exists()
    assert Path(root, relative).exists()
    assert stats.snapshot()["tier_faults"] == 1


def test_what_is_evicted_is_let_go_of(root: Path) -> None:
    """Of open and of mapped blocks: evicted ones take space until they are closed."""
    origin = ScriptedOrigin()
    for path, blocks in (("/mapped", 40), ("/other", 60)):
        origin.write(path, pattern(blocks * BLOCK))
    with cache(root, disk="60MiB") as opened:
        for path in ("/mapped", "/other"):
            opened.read(origin, path)
        opened.settle()
        with opened.open(origin, "/mapped") as mapped:
            while mapped.read_buffer(BLOCK):
                pass
        for number in range(40):
            (root / block_path(origin.identity("/mapped"), number, BLOCK)).unlink()
        assert deleted_but_open(root) > 30
        with opened.open(origin, "/other") as other:
            while other.read(BLOCK):
                pass
        assert deleted_but_open(root) < 5


def deleted_but_open(root: Path) -> int:
    """Descriptors of this process."""
    held = []
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was of the listing
            held.append(str(link.readlink()))
    return sum(name.startswith(str(root)) and name.endswith(" (deleted)") for name in held)

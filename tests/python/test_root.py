"""Who may share a root, and how it is made (FORMAT.md section 1)."""

from __future__ import annotations

import errno
import os
import stat
import uuid
from pathlib import Path

import pytest

from hybridfs.errors import BadOption
from hybridfs.root import UnusableRoot, open_root, prepare_directory
from tests.python.seams import seams
from tests.python.support import (
    BLOCK,
    MIB,
    Cache,
    ScriptedOrigin,
    belongs_to_a_stranger,
    blocks_in,
    cache,
    children,
    pattern,
    wait_for,
)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def filled(root: Path) -> Cache:
    """A cache that has published a file and been under eviction."""
    origin = ScriptedOrigin()
    origin.write("/f", pattern(2 * MIB))
    with cache(root, disk="1MiB") as opened:
        assert opened.read(origin, "/f") == pattern(2 * MIB)
    return opened


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_root_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        filled(tmp_path / "root")
    finally:
        os.umask(before)
    everything = [tmp_path / "root", *(tmp_path / "root").rglob("*")]
    assert {mode_of(path) for path in everything if path.is_dir()} == {0o700}
    assert {mode_of(path) for path in everything if path.is_file()} == {0o600}
    assert {"cache-id", "lock", "usage", "published", "upkeep", "v1"} == {
        path.name for path in (tmp_path / "root").iterdir()
    }
    assert blocks_in(tmp_path / "root")


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_setgid_root_is_shared_by_its_group(tmp_path: Path, umask: int) -> None:
    root = tmp_path / "root"
    root.mkdir()
    root.chmod(0o2770)
    before = os.umask(umask)
    try:
        opened = filled(root)
    finally:
        os.umask(before)
    assert opened.store.root.modes.shared
    assert {mode_of(path) for path in [root, *root.rglob("*")] if path.is_dir()} == {0o2770}
    assert {mode_of(path) for path in root.rglob("*") if path.is_file()} == {0o660}
    assert {path.stat().st_gid for path in root.rglob("*")} == {root.stat().st_gid}


@pytest.mark.parametrize(
    ("mode", "way_out"), [(0o777, "chmod 700"), (0o1777, "chmod 700"), (0o2777, "chmod 700"), (0o775, "2770 to share")]
)
def test_a_root_that_others_can_write_to_is_refused(tmp_path: Path, mode: int, way_out: str) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(UnusableRoot, match=way_out):
        open_root(str(tmp_path), None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o750, 0o2750])
def test_a_root_that_only_the_owner_can_write_to_is_private(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    assert not open_root(str(tmp_path), None).modes.shared


def test_a_root_of_a_stranger_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    belongs_to_a_stranger(tmp_path, monkeypatch)
    with pytest.raises(UnusableRoot, match="name another with cache_dir"):
        prepare_directory(str(tmp_path))


def test_a_shared_root_of_a_group_of_mine_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o2770)
    belongs_to_a_stranger(tmp_path, monkeypatch)
    tmp_path.chmod(0o2770)  # chown drops setgid
    with pytest.raises(UnusableRoot):
        prepare_directory(str(tmp_path))
    monkeypatch.setattr(os, "getgroups", lambda: [tmp_path.stat().st_gid])
    assert prepare_directory(str(tmp_path)).shared


def test_a_block_size_that_the_root_has_not_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    assert open_root(str(tmp_path), 4 * MIB).block_size == 4 * MIB
    assert open_root(str(tmp_path), None).block_size == 4 * MIB
    with pytest.raises(BadOption, match=r"block_size: .* 4194304 bytes, not 65536; leave the option out or"):
        Cache(tmp_path, block_size=BLOCK)


@pytest.mark.parametrize(
    ("name", "content"),
    [("cache-id", "no uuid\n"), ("v1/layout", "block_size=much\n"), ("v1/layout", "block_size=0\n"), ("v1/layout", "")],
)
def test_a_garbled_root_is_refused_and_tells_the_way_out(tmp_path: Path, name: str, content: str) -> None:
    open_root(str(tmp_path), None)
    (tmp_path / name).write_text(content)
    with pytest.raises(UnusableRoot, match="remove it, it is only a cache"):
        open_root(str(tmp_path), None)


def test_an_id_and_a_layout_stay_as_they_are(tmp_path: Path) -> None:
    first = open_root(str(tmp_path), None)
    assert open_root(str(tmp_path), None) == first
    assert (tmp_path / "cache-id").read_text() == f"{first.cache_id}\n"
    assert str(uuid.UUID(first.cache_id)) == first.cache_id
    assert (tmp_path / "v1" / "layout").read_text() == "block_size=1048576\n"


CREATE = """
import sys
from hybridfs.errors import BadOption
from hybridfs.root import open_root
base, rounds, block_size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for number in range(rounds):
    try:
        root = open_root(f"{base}/deep/{number}", block_size)
        print(number, root.cache_id, root.block_size)
    except BadOption:
        print(number, "refused", 0)
"""


def test_processes_that_race_to_make_a_root_agree(tmp_path: Path) -> None:
    rounds, sizes = 60, (1 << 16, 1 << 16, 1 << 20, 1 << 20)
    with children(CREATE, [(tmp_path, rounds, size) for size in sizes]) as processes:
        assert [process.hear() for process in processes] == ["ready"] * len(sizes)
        for process in processes:
            process.tell("go")
        answers = [" ".join(process.rest()).split() for process in processes]
    for number in range(rounds):
        found = [(words[3 * number + 1], int(words[3 * number + 2])) for words in answers]
        root = tmp_path / "deep" / str(number)
        winner = ((root / "cache-id").read_text().strip(), int((root / "v1/layout").read_text().split("=")[1]))
        assert found == [winner if size == winner[1] else ("refused", 0) for size in sizes]
        assert sorted(path.name for path in root.iterdir()) == ["cache-id", "v1"], "a temporary file stayed"
        assert sorted(path.name for path in (root / "v1").iterdir()) == ["layout", "tmp"]


def test_one_root_serves_two_processes(tmp_path: Path) -> None:
    origin = ScriptedOrigin()
    origin.write("/f", pattern(MIB))
    with cache(tmp_path) as one, cache(tmp_path) as other:
        assert one.read(origin, "/f") == pattern(MIB)
        one.settle()
        wait_for(lambda: len(blocks_in(tmp_path)) == 16, "all blocks are published")
        before = origin.bytes_read
        assert other.read(origin, "/f") == pattern(MIB)
        assert origin.bytes_read == before


@pytest.mark.parametrize("name", ["rename", "mkdir", "open"])
def test_a_directory_that_another_user_just_makes_is_waited_for(tmp_path: Path, name: str) -> None:
    """Between its mkdir and its chmod nobody else may enter it: that is no fault of the tier."""
    tmp_path.chmod(0o2770)
    origin = ScriptedOrigin()
    origin.write("/f", pattern(MIB))
    refused: list[int] = []

    def act(called: str, number: int) -> None:
        if called == name and len(refused) < 2:
            refused.append(number)
            raise PermissionError(errno.EACCES, "a test's")

    with cache(tmp_path) as used, cache(tmp_path) as other:
        if name == "open":
            assert used.read(origin, "/f") == pattern(MIB)
            used.settle()
        with seams(act):
            assert other.read(origin, "/f") == pattern(MIB)
            other.settle()
        assert len(refused) == 2
        assert other.counts["tier_faults"] == 0
        assert other.counts["miss_blocks"] == (0 if name == "open" else 16)
    assert len(blocks_in(tmp_path)) == 16

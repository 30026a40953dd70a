"""Switching the cache off: in one session, or on the whole host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.python.support import BLOCK, ScriptedOrigin, blocks_in, cache, misses, pattern

DATA = pattern(4 * BLOCK)


@pytest.fixture
def origin() -> ScriptedOrigin:
    made = ScriptedOrigin()
    made.write("/f", DATA)
    made.write("/empty", b"")
    return made


def test_a_session_without_the_cache(tmp_path: Path, origin: ScriptedOrigin) -> None:
    with cache(tmp_path / "root", enabled=False) as used:
        assert [used.read(origin, path) for path in ("/f", "/f", "/empty")] == [DATA, DATA, b""]
        assert misses(used.counts) == {"disabled": 3}
        assert (used.counts["miss_blocks"], used.counts["hit_bytes"]) == (0, 0)
        assert used.counts["origin_bytes"] == 2 * len(DATA)
    assert not (tmp_path / "root").exists()


def test_the_switch_of_a_host(tmp_path: Path, origin: ScriptedOrigin) -> None:
    switch = tmp_path / "disabled"
    with cache(tmp_path) as used, cache(tmp_path) as other:
        assert used.read(origin, "/f") == DATA
        used.settle()
        switch.write_text("the disk is failing; ask the storage team")
        for one in (used, other):
            before = origin.bytes_read
            assert one.read(origin, "/f") == DATA
            assert origin.bytes_read - before == len(DATA), "not even what is cached is used"
            assert one.counts["hit_bytes"] == 0
        switch.unlink()
        before = origin.bytes_read
        assert used.read(origin, "/f") == other.read(origin, "/f") == DATA
        assert origin.bytes_read == before, "it is on again at once"
        assert misses(used.counts) == {"cold": 4, "disabled": 1}
        assert misses(other.counts) == {"disabled": 1}


def test_nothing_is_published_by_a_stream_opened_under_the_switch(tmp_path: Path, origin: ScriptedOrigin) -> None:
    with cache(tmp_path) as used:
        (tmp_path / "disabled").touch()
        with used.open(origin, "/f") as file:
            (tmp_path / "disabled").unlink()
            assert file.read() == DATA
        used.settle()
        assert blocks_in(tmp_path) == []
        assert misses(used.counts) == {"disabled": 1}


def test_open_streams_go_on(tmp_path: Path, origin: ScriptedOrigin) -> None:
    with cache(tmp_path) as used, used.open(origin, "/f") as file:
        assert file.read(10) == DATA[:10]
        (tmp_path / "disabled").touch()
        assert file.read() == DATA[10:]
        used.settle()
        assert len(blocks_in(tmp_path)) == 4
        before = origin.bytes_read
        assert file.pread(0, len(DATA)) == DATA
        assert origin.bytes_read == before


def test_whatever_is_called_so_switches_off(tmp_path: Path, origin: ScriptedOrigin) -> None:
    with cache(tmp_path) as used:
        (tmp_path / "disabled").symlink_to("/nowhere")
        used.read(origin, "/f")
        (tmp_path / "disabled").unlink()
        (tmp_path / "disabled").mkdir()
        used.read(origin, "/f")
        assert misses(used.counts) == {"disabled": 2}


def test_an_unusable_root_has_no_switch(tmp_path: Path, origin: ScriptedOrigin) -> None:
    tmp_path.chmod(0o777)
    (tmp_path / "disabled").touch()
    with cache(tmp_path) as used:
        assert used.read(origin, "/f") == DATA
        used.settle()
        assert misses(used.counts) == {"tier_off": 1}, "a block of the default size"


def test_looking_for_the_switch_is_one_system_call(
    tmp_path: Path, origin: ScriptedOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, real = [], os.lstat

    def lstat(path: str) -> os.stat_result:
        asked.append(path)
        return real(path)

    with cache(tmp_path) as used:
        used.read(origin, "/f")
        monkeypatch.setattr(os, "lstat", lstat)
        used.engine.switched_off  # noqa: B018
    assert asked == [str(tmp_path / "disabled")]

"""Encryption zones: their plaintext stays out of a cache, or has a domain of its own in a private one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hybridfs.errors import FileChanged
from tests.python.support import BLOCK, ScriptedOrigin, blocks_in, cache, misses, pattern

DATA = pattern(4 * BLOCK + 100)
FILL = {"authorize": "fill"}


@pytest.mark.parametrize("options", [{}, {"freshness": "1h"}, FILL, FILL | {"freshness": "1h"}])
def test_the_plaintext_of_a_zone_stays_out(tmp_path: Path, origin: ScriptedOrigin, options: dict[str, str]) -> None:
    """Also where a grant saves the open that would tell."""
    origin.encrypted.add("/f")
    with cache(tmp_path, **options) as used:
        for _ in range(3):
            assert used.read(origin, "/f") == DATA
        used.settle()
        assert misses(used.counts) == {"encrypted": 3}
    assert not [found for found in tmp_path.rglob("*") if found.is_file() and DATA[:100] in found.read_bytes()]


@pytest.mark.parametrize("options", [{}, {"freshness": "1h"}, FILL])
def test_it_is_kept_on_request_in_a_domain_of_its_own(
    tmp_path: Path, origin: ScriptedOrigin, options: dict[str, str]
) -> None:
    origin.encrypted.add("/f")
    origin.write("/plain", DATA)
    with cache(tmp_path, cache_encrypted=True, **options) as used:
        for _ in range(3):
            assert used.read(origin, "/f") == DATA
            used.settle()
        assert used.counts["origin_bytes"] == len(DATA)
        assert misses(used.counts) == {"cold": 5}
        assert [found.name for found in (tmp_path / "v1").iterdir() if found.name.startswith("test")] == [
            "test%2Bplaintext"
        ]
        used.read(origin, "/plain")
    assert {found.name for found in (tmp_path / "v1").iterdir()} >= {"test", "test%2Bplaintext"}


def test_a_cache_without_that_option_does_not_use_it(tmp_path: Path, origin: ScriptedOrigin) -> None:
    origin.encrypted.add("/f")
    with cache(tmp_path, cache_encrypted=True) as used:
        used.read(origin, "/f")
    with cache(tmp_path) as used:
        used.read(origin, "/f")
        assert used.counts["hit_bytes"] == 0
        assert misses(used.counts) == {"encrypted": 1}


@pytest.mark.parametrize("shared", ["root", "tier"])
def test_it_is_not_kept_where_others_can_read_it(
    tmp_path: Path, origin: ScriptedOrigin, shared: str, caplog: pytest.LogCaptureFixture
) -> None:
    origin.encrypted.add("/f")
    root, tier = tmp_path / "root", tmp_path / "tier"
    for directory in (root, tier):
        directory.mkdir()
        directory.chmod(0o2770 if directory.name == shared else 0o700)
    with cache(root, disk=f"{tier}=1GiB", cache_encrypted=True) as used:
        for _ in range(3):
            assert used.read(origin, "/f") == DATA
        assert misses(used.counts) == {"encrypted": 3}
    told = [record for record in caplog.records if "cache_encrypted" in record.getMessage()]
    assert len(told) == 1
    assert "0700" in told[0].getMessage()


def test_a_reader_that_turns_out_to_decrypt_gives_nothing_to_a_plain_stream(
    tmp_path: Path, origin: ScriptedOrigin
) -> None:
    """A file of a zone in the place of another, with the same time and length."""
    with cache(tmp_path, freshness="1h", map_budget=0) as used:
        used.read(origin, "/f")
        used.settle()
        origin.encrypted.add("/f")
        for block in blocks_in(tmp_path):
            block.unlink()
        with used.open(origin, "/f") as file, pytest.raises(OSError, match="REFRESH TABLE"):
            file.read(10)


def test_a_reader_that_does_not_decrypt_gives_nothing_to_a_stream_of_plaintext(
    tmp_path: Path, origin: ScriptedOrigin
) -> None:
    origin.encrypted.add("/f")
    with cache(tmp_path, freshness="1h", map_budget=0, cache_encrypted=True) as used:
        used.read(origin, "/f")
        used.settle()
        origin.encrypted.clear()
        for block in blocks_in(tmp_path):
            block.unlink()
        with used.open(origin, "/f") as file, pytest.raises(FileChanged):
            file.pread(4 * BLOCK, 10)


def test_where_the_status_tells_of_zones_the_reader_need_not(
    tmp_path: Path, origin: ScriptedOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.python.support._Reader.__setattr__", _never_tells)
    status = origin.status
    monkeypatch.setattr(origin, "status", lambda path, **how: replace(status(path, **how), encrypted=True))
    with cache(tmp_path, freshness="1h", cache_encrypted=True) as used:
        for _ in range(2):
            assert used.read(origin, "/f") == DATA
            for block in blocks_in(tmp_path):
                block.unlink()
        assert {found.name for found in (tmp_path / "v1").iterdir() if "test" in found.name} == {"test%2Bplaintext"}


def _never_tells(reader: object, name: str, value: object) -> None:
    object.__setattr__(reader, name, None if name == "encrypted" else value)

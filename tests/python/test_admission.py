"""Which files are passed through, and why: one reason for each open, and neither hits nor misses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from hybridfs import HybridFileSystem, config
from hybridfs.admission import Admission
from hybridfs.origin.base import Status
from hybridfs.origin.generic import GenericOrigin
from hybridfs.stats import Miss
from tests.python.support import BLOCK, ScriptedOrigin, Version, blocks_in, cache, misses, pattern

DATA = pattern(3 * BLOCK)


def refusal(path: str, status: Status | None = None, *, unfinished: bool = False, **options: Any) -> Miss | None:
    return Admission(config.settings(**options)).refusal(path, status or Status(10, "1"), unfinished=unfinished)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/t/part-0", None),
        ("/t/_SUCCESS", Miss.TEMPORARY),
        ("/t/_temporary/0/part-0", Miss.TEMPORARY),
        ("/t/.hive-staging_1/f", Miss.TEMPORARY),
        ("_t/f", Miss.TEMPORARY),
        ("/t/_delta_log/00.json", None),
        ("/t/_delta_log/_last_checkpoint", Miss.TEMPORARY),
        ("/t/metadata/v1.metadata.json", None),
        ("/t/p=_x/a_b.c", None),
    ],
)
def test_temporary_names(path: str, reason: Miss | None) -> None:
    assert refusal(path) is reason


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/w/t/f", None),
        ("//w//t/f", None),
        ("/logs/a.csv", None),
        ("/logs/2024/a.csv", Miss.EXCLUDED),
        ("/w/t/raw/f", Miss.EXCLUDED),
        ("/other/f", Miss.EXCLUDED),
        ("w/t/f", None),
    ],
)
def test_exclude_wins_over_include(path: str, reason: Miss | None) -> None:
    """An origin that names its files without a leading slash, as an object store, is matched as if it had one."""
    assert refusal(path, include="/w/**,/logs/*.csv", exclude=["/w/*/raw/"]) is reason


def test_sizes() -> None:
    assert refusal("/f", Status(11, "1"), max_file_size=10) is Miss.TOO_LARGE
    assert refusal("/f", Status(10, "1"), max_file_size=10) is None
    assert refusal("/f", Status(1 << 60, "1")) is None


def test_what_the_origin_tells() -> None:
    assert refusal("/f", Status(10, "0", cacheable=False)) is Miss.UNVERSIONED
    assert refusal("/f", Status(10, "1", encrypted=True)) is Miss.ENCRYPTED
    assert refusal("/f", Status(0, "1"), unfinished=True) is Miss.UNDER_CONSTRUCTION
    assert refusal("/_f", Status(0, "1", cacheable=False)) is None, "there is nothing to cache"


def read_three_times(root: Path, origin: Any, path: str, data: bytes = DATA, **options: Any) -> dict[str, int]:
    """The reasons, after all is quiet; nothing may be published or looked up."""
    with cache(root, **options) as used:
        for _ in range(3):
            assert used.read(origin, path) == data
        used.settle()
        counts = used.counts
        assert (
            counts["miss_blocks"] == counts["hit_bytes"] == counts["published_blocks"] == counts["lock_timeouts"] == 0
        )
        assert counts["origin_bytes"] >= 3 * len(data)
    assert blocks_in(root) == []
    return misses(counts)


def written(path: str) -> ScriptedOrigin:
    origin = ScriptedOrigin()
    origin.write(path, DATA)
    return origin


def test_each_open_is_counted(tmp_path: Path) -> None:
    assert read_three_times(tmp_path, written("/_f"), "/_f") == {"temporary": 3}
    assert read_three_times(tmp_path, written("/f"), "/f", exclude="/f") == {"excluded": 3}
    assert read_three_times(tmp_path, written("/f"), "/f", max_file_size=BLOCK) == {"too_large": 3}


def test_a_file_that_is_being_written(tmp_path: Path) -> None:
    origin = written("/f")
    origin.status = lambda path, **_: Version(DATA[:5], "1", 0, 1).status  # type: ignore[method-assign]  # its end is not there yet
    assert read_three_times(tmp_path, origin, "/f") == {"under_construction": 3}


def test_an_empty_file_counts_nothing(tmp_path: Path) -> None:
    origin = ScriptedOrigin()
    origin.write("/f", b"")
    with cache(tmp_path) as used:
        assert used.read(origin, "/f") == b""
        assert misses(used.counts) == {}


def test_who_is_refused(tmp_path: Path) -> None:
    origin = written("/f")

    def refuse(call: str, path: str) -> None:
        if call == "before open":
            raise PermissionError(13, "Permission denied: user=bob", path)

    with cache(tmp_path) as used:
        assert used.read(origin, "/f") == DATA
        used.settle()
        origin.hook = refuse
        for _ in range(2):
            with pytest.raises(PermissionError, match="user=bob"):
                used.open(origin, "/f")
        assert misses(used.counts) == {"cold": 3, "denied": 2}


class _Zone(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Tells of an encryption zone as WebHDFS does."""

    cachable = False
    store: dict[str, Any] = {}  # noqa: RUF012  # its own, as the base class's is

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        return super().info(path, **kwargs) | ({"encBit": True} if "zone" in path else {})


def test_an_encryption_zone(tmp_path: Path) -> None:
    zone = _Zone()
    zone.pipe_file("/zone/f", DATA)
    zone.pipe_file("/clear/f", DATA)
    origin = GenericOrigin("memory", {}, zone)
    assert read_three_times(tmp_path, origin, "/zone/f") == {"encrypted": 3}
    with cache(tmp_path) as used:
        assert used.read(origin, "/clear/f") == DATA
    assert misses(used.counts) == {"cold": 3}


class _Untold(_Zone):
    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        return super().info(path, **kwargs) | {"size": None}


def test_a_file_of_unknown_length_is_an_error_and_not_empty(tmp_path: Path) -> None:
    """As of a web server that sends no Content-Length."""
    untold = _Untold()
    untold.pipe_file("/f", DATA)
    fs = HybridFileSystem(fs=untold, cache_dir=str(tmp_path), skip_instance_cache=True)
    with pytest.raises(OSError, match="no length of it; read it without hybridfs"):
        fs.cat_file("/f")

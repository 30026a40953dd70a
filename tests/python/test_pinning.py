"""One stream, one version: whatever happens at the origin between any two of its calls."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hybridfs import FileChanged
from tests.python.support import BLOCK, ScriptedOrigin, blocks_in, cache, pattern

OLD, NEW = pattern(3 * BLOCK, seed=1), pattern(3 * BLOCK, seed=2)


@pytest.fixture(params=["blocks", "path", "handle"])
def origin(request: pytest.FixtureRequest) -> ScriptedOrigin:
    made = ScriptedOrigin(request.param)
    made.write("/f", OLD)
    return made


def test_replaced_between_the_parallel_open_and_status(origin: ScriptedOrigin, tmp_path: Path) -> None:
    """The open is answered first and is of the old file; the status is answered later and tells of the new one.

    They are parallel where the old one was proven to be readable.
    """
    opened = threading.Event()

    def hook(call: str, path: str) -> None:
        if call == "after open":
            opened.set()
        elif call == "before status" and origin.files["/f"].data == OLD:
            assert opened.wait(10)
            origin.write("/f", NEW)

    with cache(tmp_path) as used:
        assert used.read(origin, "/f") == OLD
        used.settle()
        origin.hook = hook
        assert used.read(origin, "/f") == NEW
        used.settle()
        assert used.read(origin, "/f") == NEW
    with cache(tmp_path) as another:
        assert another.read(origin, "/f") == NEW
        assert another.counts["corrupt"] == 0


CHANGES: dict[str, Callable[[ScriptedOrigin], object]] = {
    "equal length": lambda origin: origin.write("/f", NEW),
    "longer": lambda origin: origin.write("/f", NEW + NEW),
    "shorter": lambda origin: origin.write("/f", NEW[: BLOCK + 7]),
    "appended": lambda origin: origin.write("/f", OLD + NEW, in_place=True),
    "changed in place": lambda origin: origin.write("/f", OLD[:BLOCK] + NEW[BLOCK:], in_place=True),
    "removed": lambda origin: origin.remove("/f"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("step", [1000, BLOCK, 3 * BLOCK])
def test_a_change_at_any_moment_gives_one_version_or_an_error(
    origin: ScriptedOrigin, tmp_path: Path, change: str, step: int, figures: Counter[str]
) -> None:
    """The file changes at the first, second, ... call of the origin while it is opened and read in ``step``s."""
    moment, came = 0, True
    while came:
        moment += 1
        origin.write("/f", OLD)
        fired = change_at(origin, moment, CHANGES[change])
        root = tmp_path / str(moment)
        with cache(root, readahead=0, fetch_streams=2) as used:
            try:
                with used.open(origin, "/f") as file:
                    found = b"".join(iter(lambda: file.read(step), b""))
            except OSError:
                found = None
            used.settle()
            came, origin.hook = fired.is_set(), lambda call, path: None
            now = origin.files["/f"].data if "/f" in origin.files else None
            assert found in (None, OLD, now)
            assert came or found == OLD, "nothing happened"
        with cache(root) as another:
            if now is not None:
                assert another.read(origin, "/f") == now
            assert another.counts["corrupt"] == 0
        figures["moments at which a file changed while it was read"] += came
    assert moment > 4


def change_at(origin: ScriptedOrigin, moment: int, act: Callable[[ScriptedOrigin], object]) -> threading.Event:
    """Lets ``act`` happen before or after the ``moment``-th call of the origin, and tells when it has."""
    fired, calls = threading.Event(), itertools.count(1)

    def hook(call: str, path: str) -> None:
        if next(calls) == moment:
            act(origin)
            fired.set()

    origin.hook = hook
    return fired


def test_a_reader_of_cached_bytes_goes_on_in_the_old_version(origin: ScriptedOrigin, tmp_path: Path) -> None:
    with cache(tmp_path) as used:
        assert used.read(origin, "/f") == OLD
        used.settle()
        with used.open(origin, "/f") as file:
            assert file.read(10) == OLD[:10]
            origin.write("/f", NEW)
            assert file.read() == OLD[10:]
            assert used.read(origin, "/f") == NEW
            file.seek(0)
            assert file.read() == OLD


def test_a_reader_that_needs_bytes_of_a_changed_file(origin: ScriptedOrigin, tmp_path: Path) -> None:
    """It gets an error, then and for ever."""
    with cache(tmp_path, readahead=0) as used, used.open(origin, "/f") as file:
        assert file.read(10) == OLD[:10]
        used.settle()
        origin.write("/f", NEW)
        file.seek(2 * BLOCK)
        for _ in range(2):
            with pytest.raises(FileChanged, match="REFRESH TABLE"):
                file.read(1)
        assert used.read(origin, "/f") == NEW
        with pytest.raises(FileChanged):
            file.read(1)


def test_an_error_of_the_origin_is_raised_and_remembered_nowhere(origin: ScriptedOrigin, tmp_path: Path) -> None:
    def fails(call: str, path: str) -> None:
        if call == "before read":
            raise OSError(5, "the origin fails")

    with cache(tmp_path) as used, used.open(origin, "/f") as file:
        origin.hook = fails
        with pytest.raises(OSError, match="the origin fails"):
            file.read(10)
        origin.hook = lambda call, path: None
        assert file.read() == OLD
        used.settle()
        assert used.read(origin, "/f") == OLD
        assert used.counts["corrupt"] == 0


def test_many_threads_share_one_reader(origin: ScriptedOrigin, tmp_path: Path) -> None:
    with cache(tmp_path, fetch_streams=3) as used, used.open(origin, "/f") as file, ThreadPoolExecutor(8) as pool:
        places = [(37 * turn * 1009) % (len(OLD) - 1000) for turn in range(200)]
        found = list(pool.map(lambda place: file.pread(place, 1000), places))
        assert found == [OLD[place : place + 1000] for place in places]
        assert origin.bytes_read == len(OLD)


def test_eight_readers_fetch_once(origin: ScriptedOrigin, tmp_path: Path) -> None:
    """Threads of one process, each with a reader of its own, and two caches on one root."""
    with cache(tmp_path) as one, cache(tmp_path) as other, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda used: used.read(origin, "/f"), [one, other] * 4))
        assert found == [OLD] * 8
    assert origin.bytes_read == len(OLD)


# ---- who may read, and for how long that is known


def test_a_permission_is_asked_for_at_each_open_or_within_freshness(origin: ScriptedOrigin, tmp_path: Path) -> None:
    for freshness, opens in ((0, 5), (30, 0)):
        with cache(tmp_path / str(freshness), freshness=freshness) as used:
            used.read(origin, "/f")
            used.settle()
            before, asked = origin.calls["open"], origin.calls["status"]
            for _ in range(5):
                used.read(origin, "/f")
            assert origin.calls["open"] - before == opens
            assert origin.calls["status"] - asked == 5, "the version is asked for at each open"
            assert used.counts["grants_reused"] == 5 - opens


def test_a_grant_is_for_one_version(origin: ScriptedOrigin, tmp_path: Path) -> None:
    with cache(tmp_path, freshness=30) as used:
        assert used.read(origin, "/f") == OLD
        origin.write("/f", NEW)
        before = origin.calls["open"]
        assert used.read(origin, "/f") == NEW
        assert origin.calls["open"] > before


def test_nothing_cached_is_shown_to_who_may_not_read(origin: ScriptedOrigin, tmp_path: Path) -> None:
    def refuses(call: str, path: str) -> None:
        if call == "before open":
            raise PermissionError(13, "Permission denied: user=bob", path)

    with cache(tmp_path) as used:
        assert used.read(origin, "/f") == OLD
        origin.hook = refuses
        with pytest.raises(PermissionError, match="user=bob"):
            used.read(origin, "/f")


# ---- what is never published


@pytest.mark.parametrize("path", ["/_temporary/0/f", "/t/_SUCCESS", "/t/.hidden", "/t/.hive-staging_1/f"])
def test_temporary_names_are_served_and_not_published(tmp_path: Path, path: str) -> None:
    origin = ScriptedOrigin()
    origin.write(path, OLD)
    with cache(tmp_path) as used:
        for _ in range(2):
            assert used.read(origin, path) == OLD
            used.settle()
    assert blocks_in(tmp_path) == []
    assert used.counts["published_blocks"] == 0


@pytest.mark.parametrize("path", ["/t/_delta_log/00.json", "/t/metadata/v1.json", "/t/p=_x/f", "/t/a_b.c"])
def test_logs_of_table_formats_are_published(tmp_path: Path, path: str) -> None:
    origin = ScriptedOrigin()
    origin.write(path, OLD)
    with cache(tmp_path) as used:
        assert used.read(origin, path) == OLD
    assert len(blocks_in(tmp_path)) == 3


def test_an_empty_file_is_read_and_not_published(tmp_path: Path) -> None:
    origin = ScriptedOrigin()
    origin.write("/f", b"")
    with cache(tmp_path) as used, used.open(origin, "/f") as file:
        assert (file.size, file.read(), file.read(5), file.readline(), bytes(file.read_buffer())) == (0, *[b""] * 4)
        assert file.readinto(bytearray(5)) == 0
    assert blocks_in(tmp_path) == []

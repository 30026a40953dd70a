"""Whose file it was that the origin let be opened: who may rename swaps his own for another's, at each moment once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from hybridfs.errors import FileChanged
from hybridfs.file import HybridFile
from hybridfs.origin.base import Status
from tests.python.support import BLOCK, Cache, ScriptedOrigin, Version, cache, child, pattern, wait_for

DATA = pattern(2 * BLOCK + 100)  # of alice's file, which bob may not read
READS: dict[str, Callable[[HybridFile], bytes]] = {
    "read": lambda file: file.read(),
    "pread": lambda file: file.pread(0, len(DATA)),
    "into": lambda file: _into(file),
    "view": lambda file: bytes(file.read_buffer(100)),
    "ranges": lambda file: b"".join(file._stream.read_ranges([(0, 10), (BLOCK, BLOCK + 10)])),
}


def _into(file: HybridFile) -> bytes:
    target = bytearray(len(DATA))
    file.readinto(target)
    return bytes(target)


class Scene:
    """A path that bob opens: alice's file is cached, another one is his own."""

    def __init__(self, root: Path, his: bytes) -> None:
        self.origin = ScriptedOrigin()
        self.hers = self.origin.write("/f", DATA)
        with cache(root) as used:
            assert used.read(self.origin, "/f") == DATA
        self.his = self.origin.write("/f", his)
        self.on: Callable[[str], None] = lambda call: None
        self.origin.hook = self._hook

    def shows(self, version: Version) -> None:
        self.origin.files["/f"] = version

    def swap(self) -> None:
        self.shows(self.his if self.origin.files["/f"] is self.hers else self.hers)

    def _hook(self, call: str, path: str) -> None:
        self.on(call)
        if call == "before open" and self.origin.files["/f"] is self.hers:
            raise PermissionError(13, "denied", path)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path, pattern(len(DATA), seed=1))


@pytest.fixture(params=["0", "1h"])
def bob(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Cache]:
    with cache(tmp_path, freshness=request.param, readahead=0) as used:
        yield used


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_the_version_first_then_the_permission_of_another(
    scene: Scene, bob: Cache, read: Callable[[HybridFile], bytes]
) -> None:
    """All ways by which bytes leave a file."""
    told = threading.Semaphore(0)

    def swap_between(call: str) -> None:
        if call == "after status":
            told.release()
        elif call == "before open":
            for _ in range(2):  # the version is told once, and once more beside the permission
                told.acquire(timeout=0.5)
            scene.shows(scene.his)

    scene.shows(scene.hers)
    scene.on = swap_between
    with bob.open(scene.origin, "/f") as file:
        for _ in range(2):
            with pytest.raises(FileChanged):
                read(file)
    assert bob.counts["hit_bytes"] == bob.counts["origin_bytes"] == 0
    assert bob.counts["version_changed"] > 0
    scene.on = lambda call: None
    scene.shows(scene.hers)
    with pytest.raises(PermissionError):
        bob.open(scene.origin, "/f")


def test_the_permission_of_another_first_then_the_version(scene: Scene, bob: Cache) -> None:
    told = threading.Event()

    def swap_between(call: str) -> None:
        if call == "before status":
            told.wait(0.3)  # where nobody asks for the permission first, in vain
        elif call == "after open":
            scene.shows(scene.hers)
            told.set()

    scene.on = swap_between
    with pytest.raises((FileChanged, PermissionError)):
        bob.open(scene.origin, "/f").read()
    assert bob.counts["hit_bytes"] == 0


@pytest.mark.parametrize("length", [len(DATA), len(DATA) - 1, len(DATA) + 1])
@pytest.mark.parametrize("hers_first", [False, True])
def test_one_swap_at_any_moment(tmp_path: Path, hers_first: bool, length: int) -> None:
    """Whatever the length of his own: where the two differ the file is opened again."""
    his = pattern(length, seed=1)
    outcomes = set()
    for moment in range(16):
        scene = Scene(tmp_path / str(moment), his)
        scene.shows(scene.hers if hers_first else scene.his)
        calls: list[str] = []

        def swap_once(call: str, scene: Scene = scene, calls: list[str] = calls, moment: int = moment) -> None:
            calls.append(call)
            if len(calls) == moment + 1:
                scene.swap()

        scene.on = swap_once
        with cache(tmp_path / str(moment), freshness="1h") as bob:
            for _ in range(2):
                with suppress(PermissionError, FileChanged):
                    found = bob.read(scene.origin, "/f")
                    assert found == his, f"swapped {calls[moment]}, {moment}"
                    outcomes.add("his")
                bob.settle()
            assert bob.counts["hit_bytes"] in (0, length), "of his own, which he had read before"
    assert outcomes == {"his"}


def test_what_was_proven_is_asked_for_at_once_again_until_it_is_refused(scene: Scene, tmp_path: Path) -> None:
    with cache(tmp_path, freshness="0") as bob:
        for _ in range(2):
            assert bob.read(scene.origin, "/f") == scene.his.data
            bob.settle()
        scene.shows(scene.hers)
        with pytest.raises(PermissionError):
            bob.open(scene.origin, "/f")
        wait_for(lambda: scene.origin.calls["open"] == 7, "what was asked for beside the version has been answered")
        scene.shows(scene.his)
        before = scene.origin.calls.copy()
        assert bob.read(scene.origin, "/f") == scene.his.data
        assert scene.origin.calls - before == {"status": 3, "open": 1}


class OfAll(ScriptedOrigin):
    """Whoever may open what a path names may read all versions that it had."""

    def status(self, path: str, *, briefly: bool = False) -> Status:
        return replace(super().status(path, briefly=briefly), guarded=False)


def test_of_what_all_may_read_the_first_open_asks_for_no_more(tmp_path: Path) -> None:
    origin = OfAll()
    origin.write("/d/f", DATA)
    for calls in ({"status": 2, "open": 2, "read": 1}, {"status": 1, "open": 1}):  # cold, and hot in another process
        with cache(tmp_path, freshness="0") as used:
            before = origin.calls.copy()
            assert used.read(origin, "/d/f") == DATA
            assert origin.calls - before == calls


def test_one_file_of_a_directory_tells_what_the_first_open_of_others_asks_for(scene: Scene, tmp_path: Path) -> None:
    for name in ("/d/1", "/d/2"):
        scene.origin.write(name, DATA)
    with cache(tmp_path, freshness="0") as bob:
        before = scene.origin.calls.copy()
        bob.open(scene.origin, "/d/1").close()
        assert scene.origin.calls - before == {"status": 2, "open": 2}
        before = scene.origin.calls.copy()
        bob.open(scene.origin, "/d/2").close()
        assert scene.origin.calls - before == {"status": 2, "open": 1}


def test_a_bare_open_is_not_remembered(scene: Scene, tmp_path: Path) -> None:
    """It may have been of another file."""
    with cache(tmp_path, freshness="1h") as bob:
        bob.open(scene.origin, "/f").close()
        bob.open(scene.origin, "/f").close()
        assert scene.origin.calls["open"] >= 2
        assert bob.counts["grants_reused"] == 0


def test_of_an_empty_file_there_is_nothing_to_prove(scene: Scene, tmp_path: Path) -> None:
    scene.origin.write("/empty", b"")
    with cache(tmp_path, freshness="1h") as bob:
        for _ in range(3):
            assert bob.read(scene.origin, "/empty") == b""
        assert bob.counts["grants_reused"] == 2


def test_a_process_ends_while_a_permission_is_awaited(tmp_path: Path) -> None:
    """Of more files than a small pool of threads could ask for at once."""
    code = """
import sys, threading
from pathlib import Path
from tests.python.support import Cache, ScriptedOrigin
origin = ScriptedOrigin()
used = Cache(Path(sys.argv[1]))
names = [f"/{number}" for number in range(16)]
for name in names:
    origin.write(name, b"data")
    used.read(origin, name)
used.settle()
asked = threading.Barrier(len(names) + 1)
def keep_silent(call, path):
    if call == "before open":
        asked.wait(20)
        threading.Event().wait()
    raise ConnectionRefusedError(111, "refused", path)
origin.hook = keep_silent
for name in names:
    try:
        used.open(origin, name)
    except ConnectionRefusedError:
        pass
asked.wait(20)
print("done", flush=True)
"""
    with child(code, tmp_path) as process:
        assert process.hear() == "done"
        assert process.rest() == []

"""One stream, one version: whatever happens at the origin between any two of its calls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridfs import FileChanged
from tests.python.support import BLOCK, ScriptedOrigin, cache, pattern

OLD, NEW = pattern(3 * BLOCK, seed=1), pattern(3 * BLOCK, seed=2)
KINDS = {
    "as HDFS": {"pins_readers": True},
    "as an object store": {"pins_readers": False},
    "as local files": {"pins_readers": False, "keeps_handle": True},
}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def origin(request: pytest.FixtureRequest) -> ScriptedOrigin:
    made = ScriptedOrigin(**request.param)
    made.write("/f", OLD)
    return made


def at(origin: ScriptedOrigin, moment: str, count: int, act: Callable[[], object]) -> None:
    """Lets ``act`` happen at the ``count``-th (from 1) such moment."""
    seen = 0

    def hook(call: str, path: str) -> None:
        nonlocal seen
        if call == moment:
            seen += 1
            if seen == count:
                act()

    origin.hook = hook


def test_replaced_between_the_parallel_open_and_status(origin: ScriptedOrigin, tmp_path: Path) -> None:
    """The open is answered first and shows the old file, then the file is replaced, then the status shows the new one."""
    opened = threading.Event()

    def hook(call: str, path: str) -> None:
        if call == "after open":
            opened.set()
        elif call == "before status" and origin.calls["status"] == 1:
            assert opened.wait(10)
            origin.write("/f", NEW)

    origin.hook = hook
    with cache(tmp_path) as used:
        assert used.read(origin, "/f") == NEW
        used.settle()
        assert used.read(origin, "/f") == NEW
    with cache(tmp_path) as another:
        assert another.read(origin, "/f") == NEW
        assert another.counts["corrupt"] == 0

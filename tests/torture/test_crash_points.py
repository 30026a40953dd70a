"""Dies at the calls of the store, and others recover: all kinds of calls of publishing, a sample of the others."""

from __future__ import annotations

import pytest

from tests.torture.crash_points import report, run
from tests.torture.crash_scenes import SCENES

SEED = 4
PUBLISHING = ("open", "publish", "publish, first", "publish, counted", "fetch")
JAVA = ("publish", "evict", "upkeep")


@pytest.mark.parametrize("scene", SCENES)
def test_a_death_at_a_system_call(scene: str) -> None:
    _none_is_wrong([scene], "python", 22 if scene in PUBLISHING else 12, ("kill", "half"))


@pytest.mark.parametrize("scene", ["publish", "evict"])
def test_a_failing_system_call(scene: str) -> None:
    _none_is_wrong([scene], "python", 8, ("EIO", "ENOSPC", "EINTR", "short"))


def test_a_jvm_that_dies_at_a_system_call() -> None:
    _none_is_wrong(JAVA, "java", 4, ("kill",))


def _none_is_wrong(scenes: list[str] | tuple[str, ...], language: str, sample: int, actions: tuple[str, ...]) -> None:
    figures = run(scenes, actions, SEED, sample, language)
    told = report(figures, SEED)
    print(told)
    assert figures.problems == [], told
    assert all(figures.recoveries[scene] >= min(sample, figures.points[scene]) for scene in scenes)

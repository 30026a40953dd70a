"""Dies at the calls of the store, and others recover: all kinds of calls of publishing, a sample of the others."""

from __future__ import annotations

from collections.abc import Sequence

from tests.torture.crash_points import report, run
from tests.torture.crash_scenes import SCENES

SEED = 4
PUBLISHING = ("open", "publish", "publish, first", "publish, counted", "fetch")
OTHERS = tuple(name for name in SCENES if name not in PUBLISHING)


def test_deaths_in_publishing() -> None:
    _none_is_wrong(PUBLISHING, "python", 10, ("kill", "half"))


def test_deaths_in_eviction_and_upkeep() -> None:
    _none_is_wrong(OTHERS, "python", 5, ("kill",))


def test_failing_calls() -> None:
    _none_is_wrong(("publish", "evict"), "python", 4, ("EIO", "ENOSPC", "EINTR", "short"))


def test_deaths_of_a_jvm() -> None:
    _none_is_wrong(("publish", "evict", "upkeep"), "java", 4, ("kill",))


def _none_is_wrong(scenes: Sequence[str], language: str, sample: int, actions: Sequence[str]) -> None:
    figures = run(scenes, actions, SEED, sample, language)
    told = "\n".join([report(figures, SEED), *figures.problems])
    print(told)
    assert figures.problems == [], told
    assert all(figures.recoveries[scene] >= min(sample, figures.points[scene]) for scene in scenes)

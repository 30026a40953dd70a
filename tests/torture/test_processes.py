"""A short run of the torture by processes; `python -m tests.torture.processes` is the long one."""

from __future__ import annotations

import pytest

from tests.torture.processes import run


@pytest.mark.slow
def test_processes_that_are_killed_stopped_and_given_wrong_clocks_read_right() -> None:
    figures = run(minutes=0.25, seed=4, files=48)
    print(figures.tell())
    assert figures.violations == []
    assert figures.counts["reads"] > 500
    # It must have met what it looks for.
    assert figures.done["killed"] > 0
    assert figures.done["stopped"] > 0
    assert figures.cache["evicted_blocks"] > 0
    assert figures.overwritten > 0
    assert figures.temporary_before > 0

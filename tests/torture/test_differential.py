"""A short run of the differential bench; `python -m tests.torture.differential` is the long one."""

from __future__ import annotations

import pytest

from tests.torture.differential import run


@pytest.mark.slow
def test_ten_thousand_operations_against_plain_hdfs() -> None:
    figures = run(operations=10_000, seed=20)
    print(figures.tell())
    assert figures.violations == []
    assert figures.operations >= 10_000
    assert figures.share("reads", "range reads") >= 0.3
    assert figures.share("mutations") >= 0.1
    # It must have met what it looks for: changes under open streams, eviction, and files that nobody changes just then.
    for met in ("rightly FileChanged", "opened while nothing changed", "compared with plain HDFS"):
        assert figures.counts[met] > 0, met
    assert figures.cache["evicted_blocks"] > 0

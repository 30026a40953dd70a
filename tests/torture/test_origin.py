"""The short form of `tests.torture.origin`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.torture import origin_hdfs, origin_jvm, origin_scripted
from tests.torture.outcome import Outcome

SEED = 20_260_726


@pytest.fixture
def outcome() -> Outcome:
    return Outcome("origin", SEED)


def test_each_call_of_a_scripted_origin_fails(tmp_path: Path, outcome: Outcome) -> None:
    origin_scripted.torture(tmp_path, outcome, share=0.08)
    assert outcome.violations == []
    assert outcome.figures["faults of a scripted origin"] >= 50
    assert outcome.figures["errors that readers saw"] > 0


def test_an_hdfs_fails(tmp_path: Path, outcome: Outcome) -> None:
    cases = (partial(origin_jvm.every_call_fails, at_most=10), *origin_hdfs.SHORT)
    origin_hdfs.torture(tmp_path, outcome, cases)
    assert outcome.violations == []
    assert outcome.figures["faults of a JVM's client"] == 10
    assert outcome.figures["faults of HDFS"] == len(cases)
    assert outcome.figures["random reads"] > 0

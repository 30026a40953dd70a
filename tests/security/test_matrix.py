"""The short form of the permission matrix; `test_matrix_whole.py` is the whole."""

from __future__ import annotations

import time

from tests.security import matrix
from tests.security.matrix_judge import Judge, revocations
from tests.security.matrix_run import LANGUAGES, Batch, Crowd


def test_the_next_open_is_denied(people: Crowd) -> None:
    """freshness=0, in a root that all may read: nobody gets a byte that HDFS would refuse him, nobody is locked out."""
    judge = Judge()
    begun = time.monotonic()
    Batch(people, matrix.cells("short"), "0", judge, "private", brief=True).run()
    print(judge.table(), f"{time.monotonic() - begun:.1f} s", sep="\n")
    by_spark = [role for role in matrix.ROLES if ("spark", role.user) in people.readers]
    assert judge.faults == []
    assert judge.revoked == judge.by_the_next_open == revocations() + revocations(by_spark)
    assert judge.sums["bytes leaked"] == 0
    assert (
        judge.sums["origin_bytes before the changes"] == 0
    )  # all that was read lay in the cache, for whoever is let to it
    assert judge.sums["bytes allowed"] > 1_000_000


def test_a_leak_is_found(people: Crowd) -> None:
    """Readers that reuse grants for an hour leak, by the measure of freshness=0."""
    judge = Judge()
    (group,) = [role for role in matrix.ROLES if role.name == "group"]
    Batch(people, matrix.cells("leak", (group,), ("chmod",)), "0", judge, "private", brief=True).run(told="1h")
    print(judge.table())
    assert judge.sums["bytes leaked"] > 0
    assert all("LEAKED" in fault for fault in judge.faults)
    assert {language for language in LANGUAGES for fault in judge.faults if language in fault} == set(LANGUAGES)

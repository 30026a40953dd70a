"""A few thousand mutants of blocks, both readers: no wrong byte, no crash, no disagreement."""

from __future__ import annotations

from tests.torture.fuzz import report, run
from tests.torture.mutants import KINDS, SPECIALS

MUTANTS, SEED = 3000, 4


def test_both_readers_refuse_the_same_mutants() -> None:
    figures = run(MUTANTS, SEED)
    told = report(figures, SEED)
    print(told)
    assert figures.problems == {kind: [] for kind in figures.problems}, told
    assert figures.mutants == MUTANTS
    assert all(figures.kinds[kind] for kind in KINDS if kind not in SPECIALS), told
    assert figures.accepted["as written"] > MUTANTS // 100, "who refuses everything proves nothing"

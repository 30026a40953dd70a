"""A sum over all processes that a file's size holds (FORMAT.md section 7)."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from hybridfs.root import PRIVATE, SHARED
from hybridfs.shared_sum import UNIT, SharedSum
from tests.python.support import children

ADD = """
import sys
from hybridfs.root import PRIVATE
from hybridfs.shared_sum import SharedSum
total = SharedSum(sys.argv[1], PRIVATE)
for _ in range(int(sys.argv[3])):
    total.add(int(sys.argv[2]))
"""


def test_nothing_is_lost_between_processes(tmp_path: Path) -> None:
    path, work = tmp_path / "sum", [(100_000, 400), (UNIT, 100), (3 * UNIT + 7, 50)]
    with children(ADD, [(path, size, count) for size, count in work]) as processes:
        for process in processes:
            process.rest()
    total = sum(size * count for size, count in work)
    assert abs(SharedSum(str(path), PRIVATE).total() - total) < len(work) * UNIT


def test_many_short_lives_are_right_on_average(tmp_path: Path) -> None:
    """Each of 2,000 processes adds a quarter of a MiB; none of them ever fills one."""
    for _ in range(2000):
        SharedSum(str(tmp_path / "sum"), PRIVATE).add(UNIT // 4)
    total = SharedSum(str(tmp_path / "sum"), PRIVATE).total() // UNIT
    assert 400 <= total <= 600, "500 expected; five standard deviations are 97"


@settings(max_examples=50, deadline=None)
@given(sizes=st.lists(st.integers(0, 5 * UNIT), max_size=20), more=st.lists(st.integers(0, 5 * UNIT), max_size=5))
def test_what_is_added_after_a_look_stays(tmp_path_factory: object, sizes: list[int], more: list[int]) -> None:
    path = Path(tmp_path_factory.mktemp("sum")) / "deep" / "sum"  # type: ignore[attr-defined]
    mine, other = SharedSum(str(path), PRIVATE), SharedSum(str(path), PRIVATE)
    for size in sizes:
        now = mine.add(size)
        assert now is None or now == path.stat().st_mtime == other.touched()
    seen = mine.total()
    assert sum(sizes) - UNIT < seen < sum(sizes) + UNIT
    for size in more:
        other.add(size)
    mine.subtract(seen)
    assert sum(more) - UNIT < other.total() < sum(more) + UNIT
    mine.subtract(0)
    mine.subtract(2**62)
    assert mine.total() == 0


def test_it_is_made_with_the_modes_of_its_root(tmp_path: Path) -> None:
    SharedSum(str(tmp_path / "fills" / "a"), SHARED).add(UNIT)
    assert (tmp_path / "fills").stat().st_mode & 0o7777 == SHARED.directory
    assert (tmp_path / "fills" / "a").stat().st_mode & 0o7777 == SHARED.file
    (tmp_path / "fills" / "a").unlink()
    SharedSum(str(tmp_path / "fills" / "a"), SHARED).subtract(UNIT)
    assert SharedSum(str(tmp_path / "fills" / "a"), SHARED).total() == 0

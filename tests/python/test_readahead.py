"""What is fetched, and in which pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridfs.fetching import coalesce
from hybridfs.readahead import ReadAhead


@given(st.lists(st.integers(0, 200), unique=True), st.integers(1, 9))
def test_runs_are_consecutive_and_bounded(blocks: list[int], longest: int) -> None:
    runs = coalesce(sorted(blocks), longest)
    assert [block for run in runs for block in run] == sorted(blocks)
    for run in runs:
        assert run == list(range(run[0], run[0] + len(run)))
        assert 1 <= len(run) <= longest
    for before, after in pairwise(runs):
        assert after[0] > before[-1] + 1 or len(before) == longest, "two runs that could be one"


def read_cold(ahead: ReadAhead, blocks: range) -> list[int]:
    """Reads the blocks one by one; returns what was fetched, in order."""
    fetched: list[int] = []
    for block in blocks:
        fetched += ahead.window(block, block, missed=block not in fetched)
    return fetched


def test_a_sequential_read_opens_the_window_and_fetches_each_block_once() -> None:
    ahead = ReadAhead(16, 100)
    assert list(ahead.window(0, 0, missed=True)) == [0]
    assert list(ahead.window(1, 1, missed=True)) == [1, 2, 3, 4, 5]
    assert ahead.window(2, 2, missed=False)[-1] == 18
    fetched = read_cold(ReadAhead(16, 100), range(100))
    assert fetched == list(range(100))


def test_the_window_is_never_larger_than_allowed() -> None:
    ahead = ReadAhead(16, 1000)
    fetched: set[int] = set()
    for block in range(200):
        fetched |= set(ahead.window(block, block, missed=block not in fetched))
        assert ahead.horizon <= block + 16


def test_a_random_read_fetches_what_it_needs_and_no_more() -> None:
    ahead = ReadAhead(16, 1000)
    for block in (500, 3, 700, 64, 999, 0):
        assert list(ahead.window(block, block, missed=True)) == [block]
    assert list(ahead.window(300, 305, missed=True)) == [300, 301, 302, 303, 304, 305]


def test_a_stream_that_hits_asks_for_nothing() -> None:
    ahead = ReadAhead(16, 100)
    assert all(not ahead.window(block, block, missed=False) for block in range(100))


def test_a_sequential_read_that_meets_cached_blocks_stops_asking_ahead() -> None:
    ahead = ReadAhead(4, 100)
    fetched = set(read_cold(ahead, range(3)))
    later = [list(ahead.window(block, block, missed=False)) for block in range(3, 40) if block not in fetched]
    assert sum(map(len, later)) <= 8


@given(st.integers(1, 64), st.integers(1, 300), st.data())
def test_whatever_is_read_is_fetched_and_lies_in_the_file(window: int, blocks: int, data: st.DataObject) -> None:
    ahead = ReadAhead(window, blocks)
    for _ in range(20):
        number = data.draw(st.integers(0, blocks - 1))
        last = data.draw(st.integers(number, blocks - 1))
        missed = data.draw(st.booleans())
        found = ahead.window(number, last, missed=missed)
        assert all(0 <= block < blocks for block in found)
        assert not missed or number in found
        assert len(found) <= window + 1 or not missed


@pytest.mark.parametrize("step", [2, -1])
def test_reading_backwards_or_with_gaps_is_not_sequential(step: int) -> None:
    ahead = ReadAhead(16, 100)
    start = 50
    for turn in range(10):
        block = start + step * turn
        assert list(ahead.window(block, block, missed=True)) == [block]

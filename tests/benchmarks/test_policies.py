"""The policy simulator: each policy by hand-worked examples, traces by what they are, files by what they give back."""

from __future__ import annotations

import lzma
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.policies import trace_file
from benchmarks.policies.ours import Ours
from benchmarks.policies.rivals import Clock, Lru, S3Fifo, Sieve
from benchmarks.policies.simulation import Policy, hit_ratio, policies
from benchmarks.policies.traces import WORKLOADS, Trace, made
from tests.python.support import ROOT


def hits(policy: Policy, accesses: str) -> str:
    """A block a letter; which of the accesses hit, as the letters in upper case."""
    return "".join(block.upper() if policy.hit(ord(block)) else block for block in accesses)


def test_lru_evicts_what_was_used_the_longest_ago() -> None:
    # c throws out b (a was used since), b throws out a
    assert hits(Lru(2), "abacb" + "ac") == "abAcbac"


def test_clock_lets_what_was_used_pass_once() -> None:
    # d finds a marked, clears it, and throws out b; e throws out c, f at last a
    assert hits(Clock(3), "abcad" + "a") == "abcAdA"
    assert hits(Clock(3), "abcadef" + "ad") == "abcAdefad"


def test_sieve_goes_on_where_it_stopped_and_keeps_the_order() -> None:
    # d: the hand clears a, throws out b, and waits at c; e: throws out c, not a, which CLOCK has moved by then
    assert hits(Sieve(3), "abcade" + "ad") == "abcAdeAD"
    # marks all over: the hand goes round and throws out the oldest
    assert hits(Sieve(2), "ababc" + "b" + "a") == "abABcBa"


def test_s3_fifo_proves_newcomers_in_a_small_queue() -> None:
    # ten blocks: one in the small queue (a), nine in the main one; k throws out a, whose name stays known
    policy = S3Fifo(10)
    assert hits(policy, "abcdefghij" + "k") == "abcdefghijk"
    # a comes back, to the main queue, and throws out k; that makes the main queue too long: l throws out b
    assert hits(policy, "a" + "l") == "al"
    # two uses in the small queue are a proof: l moves to the main queue, whose oldest, c, goes
    assert hits(policy, "ll" + "m" + "l" + "adefghij") == "LLmLADEFGHIJ"
    assert hits(policy, "c") == "c"


def test_ours_spares_what_was_read_once_and_evicts_in_batches() -> None:
    policy = Ours(100, batch=0.1)
    for block in range(100):
        assert not policy.hit(block)
    for block in range(40):
        assert policy.hit(block)
    assert not policy.hit(100)  # 101 blocks are too many: down to 90
    assert policy.evicted == 11
    assert sum(policy.hit(block) for block in range(40)) > sum(policy.hit(block) for block in range(40, 80)) - 11


@pytest.mark.parametrize(("looks", "most"), [(1, 1), (2, 2), (3, 3)])
def test_ours_looks_at_a_bounded_number_for_each_that_goes(looks: int, most: int) -> None:
    policy = Ours(100, looks=looks)
    for _ in range(20):  # all that is there is marked again before each eviction
        for block in range(120):
            policy.hit(block)
            policy.hit(block)
    assert 1 < policy.looked_at / policy.evicted <= most or looks == 1 == policy.looked_at / policy.evicted


def test_a_fill_limit_stops_fills_and_no_hits() -> None:
    policy = Ours(100, fill_limit=3)
    assert [policy.hit(block, 1) for block in (1, 2, 3, 4, 4, 1)] == [False] * 5 + [True]
    assert not policy.hit(4, 2)
    assert policy.hit(4, 1)


def test_ours_keeps_half_of_a_loop_that_does_not_fit() -> None:
    trace = made("loop 1.25×", 500, 50_000, seed=3)
    ratios = {name: hit_ratio(new(500), trace) for name, new in policies(0.1, seed=3).items()}
    assert ratios["LRU"] == ratios["CLOCK"] == ratios["SIEVE"] == 0
    assert ratios["hybridfs"] >= 0.5


@pytest.mark.parametrize("name", WORKLOADS)
def test_traces_are_the_same_for_the_same_seed(name: str) -> None:
    one, same = (made(name, 200, 5000, seed=7) for _ in range(2))
    assert len(one) == 5000
    assert (one.blocks == same.blocks).all()
    assert (one.applications == same.applications).all()
    assert len(np.unique(one.blocks)) > 200, "there is something to evict"
    assert all(later - before in (0, 1) for before, later in pairwise(one.applications.tolist()))


def test_a_recorded_trace_comes_back_from_its_file(tmp_path: Path) -> None:
    accesses = [(0, "a", 5), (0, "a", 6), (0, "a", 7), (0, "b", 8), (1, "b", 9), (1, "a", 5), (1, "a", 5)]
    trace_file.write(tmp_path / "small.txt.xz", accesses, "by\nhand")
    text = lzma.decompress((tmp_path / "small.txt.xz").read_bytes()).decode()
    assert text == "# by\n# hand\n0 a 5-7\n0 b 8\n1 b 9\n1 a 5\n1 a 5\n"
    trace = trace_file.read(tmp_path / "small.txt.xz")
    assert (trace.name, trace.blocks.tolist()) == ("small", [0, 1, 2, 3, 4, 0, 0])
    assert trace.applications.tolist() == [0, 0, 0, 0, 1, 1, 1]


def test_the_recorded_trace_of_this_repository_is_sound() -> None:
    trace: Trace = trace_file.read(ROOT / "benchmarks" / "policies" / "tpch.txt.xz")
    distinct = len(np.unique(trace.blocks))
    assert distinct > 1000
    assert hit_ratio(Lru(distinct), trace) == pytest.approx(1 - distinct / len(trace)), "all but the first fit"

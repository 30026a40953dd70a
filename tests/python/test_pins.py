"""Pins keep evictors and max_age off a region, for a time (FORMAT.md section 7)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hybridfs.layout import Identity, block_path
from hybridfs.pins import expiry_of, pin, pinned_until, region_paths, unpin
from hybridfs.root import PRIVATE
from tests.python.evicting import evict_exactly
from tests.python.support import BLOCK, MIB, new_store, pattern
from tests.python.test_eviction import DATA, fill, identity, kept

LATER = 2**33
LARGE = Identity("test", "test://origin/large", "1", 300 * MIB)  # three regions


NO_PINS = ("pin.", "pin.-1", "pin.1.5", "pin.x", "Pin.5", "pin.5 ", "pin.9999999999999999999", "5")


@pytest.mark.parametrize(
    ("name", "expiry"),
    [("pin.0", 0), ("pin.17", 17), ("pin.999999999999999999", 10**18 - 1), *((name, None) for name in NO_PINS)],
)
def test_a_pin_says_in_its_name_until_when(name: str, expiry: int | None) -> None:
    assert expiry_of(name) == expiry


def test_all_regions_of_a_file_are_pinned_before_it_is_there(tmp_path: Path) -> None:
    new_store(tmp_path)
    pin(str(tmp_path), PRIVATE, LARGE, MIB, LATER, "nightly report")
    pins = sorted(tmp_path.glob("v1/*/*/*/pin.*"))
    assert {str(path.parent.relative_to(tmp_path)) for path in pins} == set(region_paths(LARGE, MIB))
    assert len(pins) == 3
    assert {path.read_text() for path in pins} == {"nightly report"}
    assert {path.stat().st_mode & 0o777 for path in pins} == {0o600}
    assert pinned_until(str(tmp_path), LARGE, MIB) == LATER


def test_the_last_to_expire_counts_and_all_can_be_taken_off(tmp_path: Path) -> None:
    new_store(tmp_path)
    assert pinned_until(str(tmp_path), LARGE, MIB) is None
    for until in (LATER - 5, LATER, 1):
        pin(str(tmp_path), PRIVATE, LARGE, MIB, until)
    assert pinned_until(str(tmp_path), LARGE, MIB) == LATER
    (tmp_path / next(region_paths(LARGE, MIB)) / f"pin.{LATER}").unlink()
    assert pinned_until(str(tmp_path), LARGE, MIB) == LATER - 5, "the region that is pinned for the shortest time"
    assert unpin(str(tmp_path), LARGE, MIB) == 8
    assert pinned_until(str(tmp_path), LARGE, MIB) is None
    assert not list(tmp_path.glob("v1/test")), "no empty directory stays"


def test_evictors_leave_pinned_regions_until_the_pin_expires(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path, disk="100MiB")
    fill(store, range(40))
    soon = time.time() + 1.5
    for number in range(15):
        pin(str(tmp_path), PRIVATE, identity(number), BLOCK, (LATER, 1, soon)[number // 5])
    smaller, _ = new_store(tmp_path, disk=1)
    if time.time() < soon - 1:  # else this machine is too slow to tell
        evict_exactly(smaller)
        assert kept(store, range(40)) == {*range(5), *range(10, 15)}
    time.sleep(max(0, soon + 1 - time.time()))
    evict_exactly(smaller)
    assert kept(store, range(40)) == set(range(5))
    assert len(list(tmp_path.glob("v1/*/*/*/pin.*"))) == 5, "expired ones have gone"


def test_a_tier_of_pinned_blocks_takes_no_more_and_costs_no_more(tmp_path: Path) -> None:
    store, stats = new_store(tmp_path, disk="2MiB")
    for number in range(200):
        pin(str(tmp_path), PRIVATE, identity(number), BLOCK, LATER)
        store.publish(identity(number), 0, DATA)
    assert len(kept(store, range(200))) * BLOCK < 6 * MIB, "a batch above its budget"
    assert store.tiers[0].closed is not None
    assert stats.snapshot()["evicted_blocks"] == stats.snapshot()["tier_faults"] == 0
    number = next(iter(kept(store, range(200))))
    unpin(str(tmp_path), identity(number), BLOCK)
    evict_exactly(store)
    assert not store.holds(identity(number), 0)


def test_what_only_looks_like_a_pin_holds_nothing_and_stays(tmp_path: Path) -> None:
    store, _ = new_store(tmp_path, disk="100MiB")
    fill(store, range(2))
    strange = (tmp_path / block_path(identity(0), 0, BLOCK)).with_name("pin.tomorrow")
    strange.write_bytes(pattern(10))
    smaller, _ = new_store(tmp_path, disk=1)
    evict_exactly(smaller)
    assert kept(store, range(2)) == set()
    assert strange.exists()

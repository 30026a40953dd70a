"""How much one application publishes on a host: up to its limit, in all its processes together."""

from __future__ import annotations

import errno
import json
from pathlib import Path

from hybridfs.fills import open_fills
from hybridfs.layout import flight_offset
from hybridfs.locks import LockFile
from hybridfs.root import open_root
from hybridfs.stats import Miss, Stats
from tests.python.seams import seams
from tests.python.support import (
    BLOCK,
    MIB,
    ScriptedOrigin,
    blocks_in,
    cache,
    child,
    misses,
    pattern,
)


def origin_of(sizes: dict[str, int]) -> ScriptedOrigin:
    made = ScriptedOrigin()
    for seed, (path, size) in enumerate(sizes.items()):
        made.write(path, pattern(size, seed))
    return made


def test_a_process_stops_at_its_limit_and_hits_go_on(tmp_path: Path) -> None:
    origin = origin_of({"/f": 20 * BLOCK})
    with cache(tmp_path, fill_limit=8 * BLOCK) as used:
        for _ in range(3):
            assert used.read(origin, "/f") == origin.files["/f"].data
            used.settle()
        assert used.counts["published_blocks"] == len(blocks_in(tmp_path)) == 8
        assert misses(used.counts) == {"cold": 8, "fill_limit": 12 + 2 * 12}
        assert used.counts["hit_blocks_disk"] + used.counts["hit_blocks_map"] == 2 * 8
    assert not (tmp_path / "fills").exists(), "nobody else needs to know"


def test_a_process_has_one_limit_whatever_its_settings(tmp_path: Path) -> None:
    origin = origin_of({"/f": 20 * BLOCK})
    with cache(tmp_path, fill_limit=4 * BLOCK) as one, cache(tmp_path, fill_limit=4 * BLOCK, readahead=0) as two:
        for used in (one, two):
            used.read(origin, "/f")
            used.settle()
        assert one.counts["published_blocks"] + two.counts["published_blocks"] == 4


def test_many_threads_do_not_pass_it(tmp_path: Path) -> None:
    """Blocks count while they are being published."""
    origin = origin_of({"/f": 64 * BLOCK})
    with cache(tmp_path, fill_limit=10 * BLOCK, fetch_streams=8, fetch_size=BLOCK) as used:
        used.read(origin, "/f")
        used.settle()
        assert used.counts["published_blocks"] == 10


def test_a_limit_below_a_block_lets_nothing_in(tmp_path: Path) -> None:
    origin = origin_of({"/f": 3 * BLOCK})
    with cache(tmp_path, fill_limit=BLOCK - 1) as used:
        used.read(origin, "/f")
    assert blocks_in(tmp_path) == []
    assert misses(used.counts) == {"fill_limit": 3}


def test_what_a_tier_did_not_take_is_not_counted(tmp_path: Path) -> None:
    origin = origin_of({"/f": 4 * BLOCK})
    with cache(tmp_path, fill_limit=4 * BLOCK) as used:
        with seams(lambda name, number: full() if name == "writev" else None):
            used.read(origin, "/f")
            used.settle()
        used.store.tiers[0]._rests_until = 0.0
        used.read(origin, "/f")
        used.settle()
        assert misses(used.counts) == {"no_space": 4, "cold": 4}


def test_past_the_limit_nobody_waits_for_whom_fetches_the_same(tmp_path: Path) -> None:
    origin = origin_of({"/f": 4 * BLOCK, "/g": 4 * BLOCK})
    with cache(tmp_path, fill_limit=4 * BLOCK) as used:
        used.read(origin, "/f")
        used.settle()
        locks = LockFile(str(tmp_path / "lock"), 0o600)
        assert all(locks.claim(flight_offset(origin.identity("/g"), block, BLOCK)) for block in range(4))
        assert used.read(origin, "/g") == origin.files["/g"].data
        used.settle()
        locks.close()
        assert used.counts["lock_timeouts"] == 0
        assert misses(used.counts) == {"cold": 4, "fill_limit": 4}


def full() -> None:
    raise OSError(errno.ENOSPC, "a test's")


def test_promotion_and_demotion_are_no_fills(memory_root: Path) -> None:
    origin = origin_of({"/f": 4 * BLOCK})
    with cache(memory_root, fill_limit=6 * BLOCK, memory="1MiB", map_budget=0) as used:
        for _ in range(4):
            used.read(origin, "/f")
            used.settle()
            used.engine._blocks._open.clear()  # so that each turn looks them up
        assert used.counts["promoted_blocks"] == 4
        origin.write("/g", pattern(4 * BLOCK))
        used.read(origin, "/g")
        used.settle()
        assert misses(used.counts) == {"cold": 6, "fill_limit": 2}


READ = """
import json, sys
from pathlib import Path
from tests.python.support import ScriptedOrigin, cache, misses, pattern
root, application, seed, size, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
origin = ScriptedOrigin()
origin.write(f"/{application}/{seed}", pattern(size, seed))
print("ready", flush=True)
sys.stdin.readline()
with cache(root, application=application, fill_limit=limit) as used:
    assert used.read(origin, f"/{application}/{seed}") == pattern(size, seed)
    used.settle()
    print(json.dumps([used.counts["published_bytes"], misses(used.counts)]), flush=True)
"""


def test_the_processes_of_an_application_share_its_limit(tmp_path: Path) -> None:
    """Each may add the part of a MiB that it has not told the others, and one block in flight."""
    with (
        child(READ, tmp_path, "nightly load", 1, 8 * MIB, "6MiB") as a,
        child(READ, tmp_path, "nightly load", 2, 8 * MIB, "6MiB") as b,
        child(READ, tmp_path, "another", 3, 8 * MIB, "6MiB") as c,
    ):
        assert {one.hear() for one in (a, b, c)} == {"ready"}
        for one in (a, b, c):
            one.tell("go")
        (first, _), (second, _), (third, why) = (json.loads(one.hear()) for one in (a, b, c))
    assert 4 * MIB <= first + second <= 8 * MIB + 2 * BLOCK
    assert 5 * MIB <= third <= 7 * MIB + BLOCK
    assert set(why) == {"cold", "fill_limit"}
    assert sorted(path.name for path in (tmp_path / "fills").iterdir()) == ["another", "nightly%20load"]
    with child(READ, tmp_path, "nightly load", 4, 2 * MIB, "6MiB") as late:
        late.hear()
        late.tell("go")
        published, why = json.loads(late.hear())
    assert published <= MIB
    assert why["fill_limit"] >= MIB // BLOCK


def test_fills_that_cannot_be_counted_are_not_made(tmp_path: Path) -> None:
    root = open_root(str(tmp_path / "root"), BLOCK)
    (tmp_path / "root" / "fills").write_text("a file in its place")
    stats = Stats()
    fills = open_fills(3 * MIB, "app", root, stats)
    published = [fills.publish(MIB, lambda: None) for _ in range(9)]
    assert Miss.TIER_OFF in published
    assert published.count(None) <= 3
    assert stats.snapshot()["tier_faults"] > 0


def test_without_a_limit_nothing_is_counted(tmp_path: Path) -> None:
    root = open_root(str(tmp_path), BLOCK)
    fills = open_fills(0, "app", root, Stats())
    assert [fills.publish(MIB, lambda: None) for _ in range(9)] == [None] * 9
    assert not (tmp_path / "fills").exists()


def test_a_scan_of_a_fact_table_leaves_a_hot_dimension_alone(tmp_path: Path) -> None:
    """Dimension: 24 blocks. Fact: 20 times the budget. Without the limit the scan would drive the dimension out."""
    budget, dimension, fact = 4 * MIB, 24 * BLOCK, 80 * MIB
    origin = origin_of({"/dim": dimension})
    with cache(tmp_path, disk=budget, map_budget=0) as hot:
        for _ in range(2):
            assert hot.read(origin, "/dim") == origin.files["/dim"].data
            hot.settle()
    with cache(tmp_path, disk=budget, application="scan", fill_limit="1MiB", fetch_size="1MiB") as scan:
        for number in range(fact // (4 * MIB)):
            origin.write(f"/fact/{number}", pattern(4 * MIB, number))
            assert scan.read(origin, f"/fact/{number}") == origin.files[f"/fact/{number}"].data
            origin.remove(f"/fact/{number}")
        scan.settle()
        assert misses(scan.counts)["fill_limit"] >= (fact - 2 * MIB) // BLOCK
    with cache(tmp_path, disk=budget) as after:
        before = origin.bytes_read
        assert after.read(origin, "/dim") == origin.files["/dim"].data
        assert origin.bytes_read - before <= 0.05 * dimension

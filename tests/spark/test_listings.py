"""Spark's ways to list, over a real HDFS and metastore: the same answers as plain HDFS gives, with fewer questions.

The NameNode says what it was asked, not our counters.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from spark_ext.bed import Hdfs, Metastore
from tests.python.support import wait_for
from tests.spark.conftest import Driver, RefusedError
from tests.spark.listing_tables import NESTED, PARTITIONS, TABLES, TEXT, WIDE, Table, Writer, content

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LISTING_WORKER = str(Path(__file__).with_name("listing_worker.py"))
DRIVERS = ("plain", "validated", "bounded")
FRESHNESS = "1h"  # so that on a busy host nothing is too old within a test
THRESHOLD = "spark.sql.sources.parallelPartitionDiscovery.threshold"


@dataclass(frozen=True)
class Bed:
    """Tables and three drivers over them: plain Spark, and one for each mode, which share a cache root."""

    hdfs: Hdfs
    writer: Writer
    root: Path
    plain: Driver
    validated: Driver
    bounded: Driver

    @property
    def cached(self) -> dict[str, Driver]:
        return {"validated": self.validated, "bounded": self.bounded}

    def everyone(self) -> dict[str, Driver]:
        """All drivers, and those with hybridfs once more, when there is an entry of everything in the root."""
        return {"plain": self.plain, **self.cached, **{f"{name}, warm": d for name, d in self.cached.items()}}

    def listing_calls(self) -> int:
        counts = self.hdfs.rpc_counts()
        return counts.get("GetListing", 0) + counts.get("GetBatchedListing", 0)

    def costs(self, driver: Driver, command: str, **arguments: Any) -> tuple[Any, int]:
        """What a command gives, and how many questions for listings the NameNode has answered for it."""
        before = self.listing_calls()
        result = driver.do(command, **arguments)
        return result, self.listing_calls() - before

    def kept(self) -> int:
        """Entries in the root."""
        return sum(1 for _ in self.root.glob("v1/*listings/*/*/*"))

    def keep_none(self) -> None:
        """Removes all entries, as an evictor may."""
        for entry in self.root.glob("v1/*listings/*/*/*"):
            entry.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def bed(hdfs: Hdfs, metastore: Metastore, jar: Path) -> Iterator[Bed]:
    root = Path(tempfile.mkdtemp(prefix="hybridfs-cache-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)

        def started(name: str) -> Driver:
            driver = Driver([sys.executable], hdfs.as_user(hdfs.superuser), LISTING_WORKER)
            stack.callback(driver.close)
            conf = {**metastore.spark_conf(), "spark.sql.sources.partitionOverwriteMode": "dynamic"}
            if name == "plain":
                driver.do("start", conf={**conf, THRESHOLD: "1000"})  # a task for each directory takes long
            else:
                driver.do("configure", conf=conf, cache_dir=str(root), listings=name, freshness=FRESHNESS)
            return driver

        with ThreadPoolExecutor(len(DRIVERS)) as pool:
            starting = pool.map(started, DRIVERS)
            writer = Writer(hdfs)
            for table in TABLES:
                writer.write(table)
            writer.write_nested()
            drivers = dict(zip(DRIVERS, starting, strict=True))
        for table in TABLES:
            drivers["plain"].do("statement", text=table.ddl(hdfs.url))
            drivers["plain"].do("statement", text=f"ALTER TABLE {table.name} RECOVER PARTITIONS")
        yield Bed(hdfs, writer, root, **drivers)


def test_only_the_driver_lists_through_the_cache(bed: Bed) -> None:
    assert {driver.do("setting", name=THRESHOLD) for driver in bed.cached.values()} == {str(2**31 - 1)}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stored.lower())
def test_tables_of_the_metastore(bed: Bed, table: Table) -> None:
    """Parquet and ORC are listed by Spark's own index, text by Hadoop's FileInputFormat."""
    queries = (f"SELECT * FROM {table.name}", f"SELECT id FROM {table.name} WHERE p >= 3 AND p < 6")
    planned = [bed.plain.do("plan", text=text) for text in queries]
    assert sum(line.count("part-0") for line in planned[0]) >= table.partitions
    for name, driver in bed.everyone().items():
        driver.do("forget")
        assert [driver.do("plan", text=text) for text in queries] == planned, name
    for name, driver in bed.cached.items():
        everything = driver.do("statement", text=f"SELECT count(*), sum(id), sum(p) FROM {table.name}")
        assert everything == table.everything, name


def test_splits_across_blocks(bed: Bed) -> None:
    """They begin and end within blocks, and so are looked up in the locations of a file."""
    for driver in (bed.plain, *bed.cached.values()):
        driver.do("statement", text=f"SET mapreduce.input.fileinputformat.split.minsize={3 << 19}")
    text = f"SELECT * FROM {TEXT.name}"
    planned = bed.plain.do("plan", text=text)
    assert any(":1572864+" in line for line in planned)
    for name, driver in bed.everyone().items():
        assert driver.do("plan", text=text) == planned, name
    for driver in (bed.plain, *bed.cached.values()):
        driver.do("statement", text="RESET mapreduce.input.fileinputformat.split.minsize")


def test_two_levels_of_partitions_under_a_path(bed: Bed) -> None:
    query = {"url": f"{bed.hdfs.url}{NESTED}", "form": "csv", "schema": "id INT"}
    rows, planned = bed.plain.do("load", **query)
    assert rows == sorted([b, a, b] for a in range(6) for b in range(4))
    for name, driver in bed.everyone().items():
        assert driver.do("load", **query) == (rows, planned), name


def test_what_many_partitions_cost_under_a_path(bed: Bed) -> None:
    url = f"{bed.hdfs.url}{WIDE.path()}"
    expected = sorted(f"{url}/p={number}/part-0" for number in range(PARTITIONS))
    bed.keep_none()
    costs = {}
    for name, driver in bed.everyone().items():
        found, costs[name] = bed.costs(driver, "files", url=url)
        assert found == expected, name
        if driver is not bed.plain:
            wait_for(lambda: bed.kept() > PARTITIONS, "an entry of each directory")
    print(f"answers to {PARTITIONS + 1} listings: {costs}")
    assert costs["plain"] == PARTITIONS + 1
    assert costs["validated"] <= 15
    assert costs["validated, warm"] <= 2
    assert costs["bounded"] == costs["bounded, warm"] == 0


def test_what_many_partitions_cost_in_the_metastore(bed: Bed) -> None:
    """The table itself is not listed by Spark, but by the cache, to know how its partitions are."""
    bed.keep_none()
    costs = {}
    for name, driver in bed.everyone().items():
        driver.do("forget")
        _, costs[name] = bed.costs(driver, "plan", text=f"SELECT * FROM {WIDE.name}")
        if driver is not bed.plain:
            wait_for(lambda: bed.kept() >= PARTITIONS, "an entry of each partition")
    print(f"answers to {PARTITIONS} listings: {costs}")
    assert costs["plain"] == PARTITIONS
    assert costs["validated"] <= 15
    assert costs["validated, warm"] <= 4
    assert costs["bounded"] == costs["bounded, warm"] == 0


def test_what_a_repair_of_many_partitions_costs(bed: Bed) -> None:
    """`MSCK REPAIR TABLE` lists the table on the driver, and its partitions, in order, in tasks."""
    bed.keep_none()
    costs = {}
    for name, driver in bed.everyone().items():
        found = f"found_{len(costs)}"
        driver.do("statement", text=WIDE.ddl(bed.hdfs.url, found))
        _, costs[name] = bed.costs(driver, "statement", text=f"MSCK REPAIR TABLE {found}")
        partitions = driver.do("statement", text=f"SHOW PARTITIONS {found}")
        assert partitions == sorted([f"p={number}"] for number in range(PARTITIONS)), name
        if driver is not bed.plain:
            wait_for(lambda: bed.kept() > PARTITIONS, "an entry of each directory")
    print(f"answers to {PARTITIONS + 1} listings: {costs}")
    assert costs["plain"] == PARTITIONS + 1
    assert max(costs["validated"], costs["validated, warm"]) <= 30
    assert costs["bounded"] == costs["bounded, warm"] == 0


def test_partitions_that_came_and_went(bed: Bed) -> None:
    """Another client makes one and removes one; both are seen at the next repair."""
    table = Table("changing", "TEXTFILE", 4)
    bed.writer.write(table)
    bed.validated.do("statement", text=table.ddl(bed.hdfs.url))
    for _ in range(2):
        bed.validated.do("statement", text=f"MSCK REPAIR TABLE {table.name} SYNC PARTITIONS")
        assert bed.validated.do("statement", text=f"SELECT p FROM {table.name}") == [[n] for n in range(4)]
    bed.writer.put(f"{table.path(9)}/part-0", content(table.stored, [9]))
    bed.writer.client.delete(table.path(1), True)
    bed.validated.do("statement", text=f"MSCK REPAIR TABLE {table.name} SYNC PARTITIONS")
    assert bed.validated.do("statement", text=f"SELECT p FROM {table.name}") == [[0], [2], [3], [9]]


@pytest.mark.parametrize("name", ["validated", "bounded"])
def test_what_a_driver_writes_it_reads(bed: Bed, name: str) -> None:
    """At once, and so does another driver in `validated`: Spark's own memory of the table is all that must go."""
    table, query = f"written_{name}", f"SELECT p, id FROM written_{name}"
    driver, other = bed.cached[name], bed.validated if name == "bounded" else bed.plain
    driver.do("statement", text=f"CREATE TABLE {table} (id BIGINT) PARTITIONED BY (p BIGINT) STORED AS PARQUET")
    changes = {
        f"INSERT INTO {table} PARTITION (p) SELECT id, id % 4 FROM range(0, 8)": {
            0: [0, 4],
            1: [1, 5],
            2: [2, 6],
            3: [3, 7],
        },
        f"INSERT OVERWRITE {table} PARTITION (p = 1) SELECT 11": {1: [11]},
        f"INSERT OVERWRITE {table} PARTITION (p) SELECT id, id % 4 FROM range(22, 24)": {2: [22], 3: [23]},
        f"INSERT INTO {table} PARTITION (p = 3) SELECT 33": {3: [23, 33]},
        f"ALTER TABLE {table} DROP PARTITION (p = 0)": {0: []},
        f"TRUNCATE TABLE {table} PARTITION (p = 1)": {1: []},
        f"ALTER TABLE {table} PARTITION (p = 2) RENAME TO PARTITION (p = 5)": {2: [], 5: [22]},
    }
    expected: dict[int, list[int]] = {}
    for change, outcome in changes.items():
        driver.do("statement", text=change)
        expected |= outcome
        rows = sorted([p, number] for p, numbers in expected.items() for number in numbers)
        assert driver.do("statement", text=query) == rows, change
        other.do("forget")
        assert other.do("statement", text=query) == rows, change


def test_what_others_change_is_seen_by_the_next_query(bed: Bed) -> None:
    """In `validated`: files and directories made, removed and renamed by a client that tells nothing."""
    table = Table("others", "PARQUET", 4)
    bed.writer.write(table)
    url, client = f"{bed.hdfs.url}{table.path()}", bed.writer.client
    parts = {f"{url}/p={number}/part-0" for number in range(4)}

    def seen() -> set[str]:
        return set(bed.validated.do("files", url=url))

    assert seen() == parts
    assert seen() == parts
    bed.writer.put(f"{table.path(2)}/part-1", content(table.stored, [2]))
    assert seen() == parts | {f"{url}/p=2/part-1"}
    client.delete(f"{table.path(2)}/part-0")
    assert seen() == parts - {f"{url}/p=2/part-0"} | {f"{url}/p=2/part-1"}
    client.rename(table.path(3), table.path(7))
    client.delete(table.path(0), True)
    assert seen() == {f"{url}/p=1/part-0", f"{url}/p=2/part-1", f"{url}/p=7/part-0"}
    with pytest.raises(RefusedError, match="PATH_NOT_FOUND"):
        bed.validated.do("files", url=f"{url}/p=0")


def test_streams_find_each_file_once(bed: Bed, tmp_path: Path) -> None:
    """In order of age or the newest first, as many in each batch as was asked for, over restarts."""
    path = "/listings/stream"
    url, driver = f"{bed.hdfs.url}{path}", bed.validated
    ways: dict[str, dict[str, Any]] = {
        way: {"url": url, "checkpoint": str(tmp_path / way), "options": options}
        for way, options in {
            "two": {"maxFilesPerTrigger": "2"},
            "newest": {"latestFirst": "true", "maxFilesPerTrigger": "3"},
        }.items()
    }

    def put(numbers: range) -> list[str]:
        for number in numbers:
            bed.writer.put(f"{path}/day={number % 3}/file-{number}", b"%d\n" % number)
        return [str(number) for number in numbers]

    def found(way: str) -> list[str]:
        batches = driver.do("stream", **ways[way])
        assert max(map(len, batches)) <= int(ways[way]["options"]["maxFilesPerTrigger"])
        return sorted((line for batch in batches for line in batch), key=int)

    lines = put(range(5))
    assert {way: found(way) for way in ways} == dict.fromkeys(ways, lines)
    driver.do("start_stream", url=url, checkpoint=str(tmp_path / "live"))
    assert driver.do("seen_by_stream") == lines
    for more in (range(5, 7), range(7, 8), range(8, 11)):
        lines += put(more)
        assert sorted(driver.do("seen_by_stream"), key=int) == lines
    driver.do("stop_stream")
    assert {way: found(way) for way in ways} == dict.fromkeys(ways, lines[5:])


def test_a_listing_is_explained_and_counted(bed: Bed) -> None:
    url = f"{bed.hdfs.url}{WIDE.path()}"
    bed.keep_none()
    before = bed.bounded.do("status").listings
    for source in ("origin", "entry"):
        bed.bounded.do("files", url=url)
        told = bed.bounded.do("explain", url=url)
        assert (told["mode"], told["source"], told["rpcs_plain"]) == ("bounded", source, 1)
        assert told["rpcs"] == (1 if source == "origin" else 0)
        wait_for(lambda: bed.kept() > PARTITIONS, "an entry of each directory")
    assert bed.bounded.do("explain", url=f"{url}/p=17")["source"] == "entry"
    assert bed.bounded.do("explain", url=f"{url}/nowhere") is None
    status = bed.bounded.do("status")
    counts = {name: count - before[name] for name, count in status.listings.items()}
    assert counts["listings"] == 2 * (PARTITIONS + 1) <= counts["listing_rpcs_plain"]
    # The second time all, the first time none but those that were fetched ahead and were kept by then.
    assert PARTITIONS + 1 <= counts["listings_reused"] <= 2 * PARTITIONS
    assert 1 <= counts["listing_rpcs"] <= 15
    assert f"{status.listings['listings']} listings" in str(status)

"""The ledger: which calls of the NameNode everything costs, in both languages. Exact multisets, by the NameNode's own
metrics."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hybridfs.root import SHARED_MEMORY
from spark_ext.bed import Hdfs
from tests.ledger.clients import Client, JavaClient, PythonClient
from tests.security.counting import calls

GIB = 1 << 30
SMALL = 200_000
SIBLINGS = 300
# One fetch at a time: of several at once some share a question, and how many is a matter of time.
OPTIONS: dict[str, Any] = {"min_free": 0, "fetch_streams": 1}
LATE = 0.3  # seconds: a call is counted after it was answered
TREE = "/ledger/tree"
# The NameNode's names of what is asked.
BLOCKS, STATUS, LISTING, BATCH = "GetBlockLocations", "GetFileInfo", "GetListing", "GetBatchedListing"
WRITE = {"Create": 1, "AddBlock": 1, "Complete": 1}

# Of each row: by language, how often each is asked.
LEDGER: dict[str, dict[str, dict[str, int]]] = {
    # ---- files: permission (BLOCKS) and version (STATUS; LISTING of the file itself has its blocks, too)
    "hot open, freshness=0, status brought": {"java": {BLOCKS: 1}},
    "hot open, freshness=0": {"java": {BLOCKS: 1, LISTING: 1}, "python": {BLOCKS: 1, STATUS: 1}},
    "hot open, permission fresh, status brought": {"java": {}},
    "hot open, permission fresh": {"java": {STATUS: 1}, "python": {STATUS: 1}},
    # The version once more after the data; in Python that it is the one that was opened, by another opening.
    "cold small file, status brought": {"java": {BLOCKS: 1, LISTING: 1, STATUS: 1}},
    "cold small file": {"java": {BLOCKS: 1, LISTING: 1, STATUS: 1}, "python": {BLOCKS: 2, STATUS: 2}},
    # After each run, which are of 8 MiB but for the first ones.
    "cold 1 GiB file": {"java": {BLOCKS: 1, LISTING: 1, STATUS: 130}, "python": {BLOCKS: 2, STATUS: 131}},
    # ---- listings
    "list of one directory": {"java": {LISTING: 1}, "python": {LISTING: 1}},
    "list of one directory with locations": {"java": {LISTING: 1}},
    "300 siblings, origin": {"java": {LISTING: 1 + SIBLINGS}, "python": {LISTING: 1 + SIBLINGS}},
    # The parent, then the jar asks for 100 at a time; HDFS's Python client cannot.
    "300 siblings, cold": {"java": {LISTING: 1, BATCH: SIBLINGS // 100}, "python": {LISTING: 1 + SIBLINGS}},
    "300 siblings, warm": {"java": {LISTING: 1}, "python": {LISTING: 1}},
    # What Python keeps lacks what the jar needs.
    "300 siblings, warm by the other language": {
        "java": {LISTING: 1, BATCH: SIBLINGS // 100},
        "python": {LISTING: 1},
    },
    "300 siblings, bounded": {"java": {}, "python": {}},
    "status of a file, validated": {"java": {STATUS: 1}, "python": {STATUS: 1}},
    "status of a file, bounded": {"java": {}, "python": {}},
    "status of no file, bounded": {"java": {}, "python": {}},
    # ---- writes
    "write": {"java": WRITE, "python": WRITE},
    "list after a write": {"java": {LISTING: 1}, "python": {LISTING: 1}},
}


@dataclass
class Bed:
    """An HDFS, and a client of it in each language."""

    hdfs: Hdfs
    java: JavaClient
    python: PythonClient

    def client(self, language: str) -> Client:
        return self.java if language == "java" else self.python


@pytest.fixture(scope="module")
def bed(jar: Path) -> Iterator[Bed]:
    """With a file of 1 GiB and a tree of siblings; data and caches are in memory."""
    with (
        tempfile.TemporaryDirectory(prefix="hybridfs-ledger-", dir=SHARED_MEMORY) as scratch,
        tempfile.TemporaryDirectory(prefix="hybridfs-hdfs-", dir=SHARED_MEMORY) as data,
        Hdfs(datanodes=1, scratch=Path(data)) as hdfs,
    ):
        java, python = JavaClient(hdfs, Path(scratch)), PythonClient(hdfs)
        try:
            java.plain(**{"dfs.checksum.type": "NULL"})  # the bytes do not matter, and are there sooner
            java.write("/ledger/large", GIB)
            java.plain()
            java.ask("tree", TREE, SIBLINGS)
            java.write("/ledger/first", SMALL)
            python.begin(cache_dir=str(Path(scratch) / "first"), **OPTIONS)
            python.open("/ledger/first")  # the first of a process asks for the server's defaults, too
            yield Bed(hdfs, java, python)
        finally:
            python.end()
            java.end()


@pytest.fixture
def root() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="hybridfs-ledger-", dir=SHARED_MEMORY) as directory:
        yield directory


def cost(bed: Bed, do: Callable[[], object]) -> dict[str, int]:
    """The calls that ``do`` makes."""
    with calls(bed.hdfs) as found:
        do()
        time.sleep(LATE)
    found.pop("RenewLease", None)  # of whoever has a file open for long
    if "Complete" in found:  # repeated until the DataNode has told of the last block, too
        found["Complete"] = 1
    return found


def check(bed: Bed, row: str, language: str, do: Callable[[], object]) -> None:
    expected = LEDGER[row][language]
    found = cost(bed, do)
    print(f"{row}, {language}: {found}")
    different = [
        f"{name} {found.get(name, 0)} times, not {expected.get(name, 0)}"
        for name in sorted(found.keys() | expected.keys())
        if found.get(name) != expected.get(name)
    ]
    assert not different, f"{row}, {language}: {', '.join(different)}"


def small_file(bed: Bed, row: str, language: str) -> str:
    path = f"/ledger/{row}-{language}".replace(" ", "-").replace(",", "")
    bed.java.plain()
    bed.java.write(path, SMALL)
    return path


def rows(prefix: str) -> pytest.MarkDecorator:
    cases = [(row, language) for row, costs in LEDGER.items() if row.startswith(prefix) for language in costs]
    return pytest.mark.parametrize(("row", "language"), cases)


def opening(bed: Bed, row: str, language: str, path: str) -> Callable[[], object]:
    """What opens the file and reads it all, with a status where the row says so."""
    if not row.endswith("status brought"):
        return partial(read_all, bed.client(language), path)
    assert bed.java.look(path) == SMALL
    return partial(bed.java.open_looked, path)


def read_all(client: Client, path: str) -> None:
    assert client.open(path) in (SMALL, GIB)


@rows("hot open")
def test_hot_open(bed: Bed, root: str, row: str, language: str) -> None:
    path = small_file(bed, row, language)
    bed.client(language).begin(cache_dir=root, **OPTIONS, freshness="0" if "freshness=0" in row else "1h")
    do = opening(bed, row, language, path)
    do()
    do()
    check(bed, row, language, do)


@rows("cold small file")
def test_cold_small_file(bed: Bed, root: str, row: str, language: str) -> None:
    path = small_file(bed, row, language)
    bed.client(language).begin(cache_dir=root, **OPTIONS)
    check(bed, row, language, opening(bed, row, language, path))


@rows("cold 1 GiB file")
def test_cold_large_file(bed: Bed, root: str, row: str, language: str) -> None:
    client = bed.client(language)
    client.begin(cache_dir=root, **OPTIONS, disk="4GiB")
    check(bed, row, language, partial(read_all, client, "/ledger/large"))


@rows("list of one directory")
def test_list_of_one_directory(bed: Bed, root: str, row: str, language: str) -> None:
    bed.client(language).begin(cache_dir=root, **OPTIONS)
    listing = bed.java.list_located if row.endswith("with locations") else bed.client(language).list
    check(bed, row, language, lambda: listing(f"{TREE}/part=0007"))


@rows("300 siblings")
def test_siblings(bed: Bed, root: str, row: str, language: str) -> None:
    listings = next((mode for mode in ("origin", "bounded") if row.endswith(mode)), "validated")
    options = {"cache_dir": root, "freshness": "1h", "listings": listings, **OPTIONS}
    client = bed.client(language)
    other = bed.client({"java": "python", "python": "java"}[language])
    for before in [other] if row.endswith("other language") else [client] if row.endswith(("warm", "bounded")) else []:
        before.begin(**options)
        assert before.scan(TREE) == 2 * SIBLINGS
    client.begin(**options)

    def scanned() -> None:
        assert client.scan(TREE) == 2 * SIBLINGS

    check(bed, row, language, scanned)


@rows("status of")
def test_status(bed: Bed, root: str, row: str, language: str) -> None:
    client = bed.client(language)
    client.begin(cache_dir=root, freshness="1h", listings=row.rpartition(" ")[2], **OPTIONS)
    client.list(f"{TREE}/part=0009")
    there = "no file" not in row

    def looked() -> None:
        assert client.exists(f"{TREE}/part=0009/{'f1' if there else 'f7'}") is there

    check(bed, row, language, looked)


@rows("write")
def test_write(bed: Bed, root: str, row: str, language: str) -> None:
    client = bed.client(language)
    client.begin(cache_dir=root, **OPTIONS)
    client.write(f"/ledger/written/{language}-before", 1000)
    check(bed, row, language, lambda: client.write(f"/ledger/written/{language}", 1000))


@rows("list after a write")
def test_list_after_a_write(bed: Bed, root: str, row: str, language: str) -> None:
    client = bed.client(language)
    client.begin(cache_dir=root, **OPTIONS)
    client.write(f"/ledger/list-{language}/a", 1000)
    client.list(f"/ledger/list-{language}")
    client.write(f"/ledger/list-{language}/b", 1000)

    def listed() -> None:
        assert client.list(f"/ledger/list-{language}") == 2

    check(bed, row, language, listed)


def test_every_row_is_checked() -> None:
    prefixes = (
        "hot open",
        "cold small file",
        "cold 1 GiB file",
        "list of one",
        "300 siblings",
        "status of",
        "write",
        "list after",
    )
    assert all(row.startswith(prefixes) for row in LEDGER)

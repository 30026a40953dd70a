"""A short run of the torture of listings; `python -m tests.torture.listing --mutations 100000` is the long one."""

from __future__ import annotations

import pytest

from tests.torture.listing import Size, run
from tests.torture.listing_checking import Checker
from tests.torture.listing_history import History
from tests.torture.outcome import Outcome

MS = 1_000_000
GONE = "-\t0\t0\t0\t0\t0"
DIRECTORY = "d\t9\t0\t0\t493\t0"


def judge(log: list[tuple[int, int, str, str, str]], *answers: str, freshness: int = 1000) -> list[str]:
    """What is wrong with answers, by its kind; times in milliseconds."""
    history = History()
    for begin, end, kind, path, state in log:
        history.add("\t".join([str(begin * MS), str(end * MS), kind, path, state]))
    checker = Checker(history, freshness * MS)
    for answer in answers:
        what, begin, end, *rest = answer.split(" ", 5)
        checker.check("\t".join([what, str(int(begin) * MS), str(int(end) * MS), *rest]))
    return [text.partition(" by ")[0] for text in checker.violations]


def file(number: int, length: int, mtime: int, permission: int = 420, crc: int = 7) -> str:
    return "\t".join(map(str, ("f", number, length, mtime, permission, crc)))


OLD = (0, 1, "create", "/d/a", file(1, 10, 100))


@pytest.mark.parametrize(
    ("log", "answer", "wrong"),
    [
        ([OLD], "list 5000 5001 ls /d a,f,10,100,420,1", []),
        ([OLD], "list 5000 5001 ls /d ", ["missed"]),
        ([(0, 1, "mkdir", "/x", DIRECTORY), (2, 3, "mkdir", "/x/d", DIRECTORY)], "tree 5000 5001 walk /x ", ["missed"]),
        (
            [(0, 1, "mkdir", "/x/d", DIRECTORY), (2, 3, "create", "/x/d/a", file(1, 10, 100))],
            "files 5000 5001 find /x ",
            ["missed"],
        ),
        ([OLD], "list 5000 5001 ls /d a,f,10,100,420,0|b,f,1,1,1,0", ["ghost"]),
        ([OLD], "list 5000 5001 ls /d a,f,10,100,420,0|a,f,10,100,420,0", ["told twice"]),
        ([OLD], "failed 5000 5001 ls /d/a FileNotFound", ["failed"]),
        ([OLD, (4000, 4001, "delete", "/d/a", GONE)], "list 5000 5001 ls /d a,f,10,100,420,1", ["ghost"]),
        ([OLD, (4000, 4001, "delete", "/d/a", GONE)], "list 4000 5001 ls /d a,f,10,100,420,1", []),
        ([OLD, (4000, 4001, "delete", "/d/a", GONE)], "list 4000 5001 ls /d ", []),
        ([OLD, (4000, 4001, "delete", "/d/a", GONE)], "failed 5000 5001 ls /d/a FileNotFound", []),
        ([OLD, (4000, 4001, "delete", "/d/a", GONE)], "failed 5000 5001 ls /d/a OSError", ["failed"]),
        # an overwrite is seen at once, also by who is shown no fileId
        ([OLD, (4900, 4901, "overwrite", "/d/a", file(2, 9, 90))], "list 5000 5001 ls /d a,f,9,90,420,2", []),
        (
            [OLD, (4900, 4901, "overwrite", "/d/a", file(2, 9, 90))],
            "list 5000 5001 ls /d a,f,10,100,420,1",
            ["replaced"],
        ),
        (
            [OLD, (4900, 4901, "overwrite", "/d/a", file(2, 9, 90))],
            "list 5000 5001 ls /d a,f,10,100,420,0",
            ["old attributes"],
        ),
        # attributes may be as old as the freshness
        ([OLD, (4900, 4901, "chmod", "/d/a", file(1, 10, 100, 493))], "list 5000 5001 ls /d a,f,10,100,420,1", []),
        (
            [OLD, (3900, 3901, "chmod", "/d/a", file(1, 10, 100, 493))],
            "list 5000 5001 ls /d a,f,10,100,420,1",
            ["old attributes"],
        ),
        # while a file is written nobody knows how it is listed
        ([OLD, (4900, 5500, "append", "/d/a", file(1, 20, 200))], "list 5000 5001 ls /d a,f,0,150,420,1", []),
        (
            [OLD, (4900, 5500, "append", "/d/a", file(1, 20, 200))],
            "list 5000 5001 ls /d a,f,21,150,420,1",
            ["old attributes"],
        ),
        (
            [OLD, (2900, 3500, "append", "/d/a", file(1, 20, 200))],
            "list 5000 5001 ls /d a,f,0,150,420,1",
            ["old attributes"],
        ),
        # bytes are of the version that was brought, or of one that there is
        ([OLD], "read 5000 5001 openFile /d/a 4999000000\t10\t100\t1\t7", []),
        ([OLD], "read 5000 5001 openFile /d/a 4999000000\t10\t100\t1\t8", ["wrong bytes"]),
        ([OLD], "read 5000 5001 openFile /d/a 4999000000\t10\t100\t1\tFileChanged", ["read failed"]),
        ([OLD], "read 5000 5001 cat /d/a 4999000000\t0\t0\t0\t8", ["wrong bytes"]),
        ([OLD, (4900, 4901, "overwrite", "/d/a", file(2, 9, 90, 420, 8))], "read 5000 5001 cat /d/a 0\t0\t0\t0\t8", []),
        (
            [OLD, (4900, 4901, "overwrite", "/d/a", file(2, 9, 90, 420, 8))],
            "read 5000 5001 cat /d/a 0\t0\t0\t0\t7",
            ["wrong bytes"],
        ),
        (
            [OLD, (4900, 4901, "overwrite", "/d/a", file(2, 9, 90, 420, 8))],
            "read 5000 5001 openFile /d/a 4800000000\t10\t100\t1\t7",
            [],
        ),
    ],
)
def test_what_is_judged_wrong(log: list[tuple[int, int, str, str, str]], answer: str, wrong: list[str]) -> None:
    assert judge(log, answer) == wrong


SMALL = Size(flat=120, deep=8)


@pytest.mark.slow
def test_listings_of_a_tree_that_another_client_changes() -> None:
    outcome = Outcome("listing", seed=5)
    run(outcome, mutations=1500, per_second=120, size=SMALL, listings="validated", judged="validated")
    assert outcome.violations == []
    assert outcome.figures["mutations"] >= 1500


@pytest.mark.slow
def test_entries_that_nobody_validates_are_found_out() -> None:
    """The control: readers that believe each entry within `freshness`, held to what validated listings promise."""
    outcome = Outcome("listing", seed=6)
    run(outcome, mutations=900, per_second=120, size=SMALL, listings="bounded", judged="validated")
    assert any("missed" in text for text in outcome.violations)
    assert any("ghost" in text for text in outcome.violations)

"""Entries of listings to the byte, and that none that was damaged is believed (FORMAT.md section 10)."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridfs.errors import CorruptBlock
from hybridfs.layout import clean, domain_name
from hybridfs.listing.form import Listing, Moment, Record, decode, encode
from hybridfs.listing.names import EntryName, ancestors, child_of, entry_name, name_of, parent_of
from hybridfs.trailer import MAGIC, BlockSpec, checked_data, is_entry, make_trailer
from tests.golden.make_listings import HERE, LISTINGS, content, described, make

MOST = 16 << 20
GOLDEN = sorted(HERE.glob("*.json"))


def vector(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def name_in(told: dict[str, Any]) -> EntryName:
    authority, _, path = told["uri"].removeprefix("hdfs://").partition("/")
    return entry_name(told["domain"], authority, f"/{path}")


def test_both_languages_have_golden_entries() -> None:
    assert {path.stem.partition("-")[0] for path in GOLDEN} == {"jvm", "python"}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_entry_is_read_and_would_be_written_the_same(path: Path) -> None:
    told, raw = vector(path), path.with_suffix(".bin").read_bytes()
    name = name_in(told)
    assert domain_name(told["domain_raw"]) == told["domain"]
    assert (name.path, name.number) == (told["path"], told["number"])
    found = decode(checked_data(raw, name.identity, name.number, MOST))
    assert {key: told[key] for key in described(found)} == described(found)
    assert content(name, found) == raw


def test_the_generator_makes_the_committed_entries(tmp_path: Path) -> None:
    make(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in HERE.glob("python-*")}


def test_names_of_paths() -> None:
    assert [clean(path) for path in ("", "/", "//a//b/", "a/b")] == ["/", "/", "/a/b", "/a/b"]
    assert [parent_of(path) for path in ("/", "/a", "/a/b")] == ["/", "/", "/a"]
    assert [name_of(path) for path in ("/", "/a", "/a/b")] == ["", "a", "b"]
    assert ancestors("/a/b/c") == ["/a/b", "/a", "/"]
    assert (child_of("/", "a"), child_of("/a", "b")) == ("/a", "/a/b")


def test_siblings_lie_together() -> None:
    names = [entry_name("d", "nn:8020", f"/t/p={number}") for number in range(1000)]
    assert len({name.path.rpartition("/")[0] for name in names}) == 1
    assert len({name.number for name in names}) == 1000
    assert all(name.number < 1 << 60 for name in names)


def test_a_listing_is_told_from_a_block_by_its_trailer() -> None:
    assert all(is_entry(path.with_suffix(".bin").read_bytes()) for path in GOLDEN)
    data = b"x" * 100
    block = data + make_trailer(BlockSpec(b"one", 1, 100, 1 << 20), memoryview(data))
    assert not any(map(is_entry, (block, b"", bytes(10), block[:100])))


# ---- whatever a NameNode may tell

U16, U32, U64 = ((1 << bits) - 1 for bits in (16, 32, 64))
texts = st.text(st.characters(codec="utf-8"), max_size=30)
records = st.builds(
    Record,
    name=texts,
    directory=st.booleans(),
    permission=st.integers(0, U16),
    owner=texts,
    group=texts,
    length=st.integers(0, U64),
    modified=st.integers(0, U64),
    accessed=st.integers(0, U64),
    block_size=st.integers(0, U64),
    replication=st.integers(0, U16),
    flags=st.integers(0, 15),
    file_id=st.integers(0, U64),
    storage_policy=st.integers(0, 255),
    children=st.integers(0, U32),
    erasure_coding=st.none() | texts,
)
moments = st.builds(
    Moment, boot=st.binary(min_size=16, max_size=16), ticks=st.integers(0, U64), wall=st.integers(0, U64)
)
listings = st.builds(
    Listing,
    children=st.lists(records, max_size=8, unique_by=lambda found: found.name).map(tuple),
    asked=moments,
    pages=st.integers(0, U32),
    own=st.none() | records.map(lambda found: found._replace(name="")),
    complete=st.booleans(),
    absent=st.just(False),
) | st.builds(
    Listing,
    children=st.just(()),
    asked=moments,
    pages=st.just(1),
    own=st.none(),
    complete=st.booleans(),
    absent=st.just(True),
)


@given(listings)
def test_what_is_written_is_read(listing: Listing) -> None:
    assert decode(encode(listing)) == listing


@given(st.binary(max_size=300))
def test_garbage_is_no_listing(data: bytes) -> None:
    with pytest.raises(CorruptBlock):
        decode(b"\2" + data)
    try:
        found = decode(b"\1" + data)
    except CorruptBlock:
        return
    assert len(encode(found)) == len(data) + 1  # it was one, by chance


@pytest.mark.parametrize(
    "bad", [{"modified": -1}, {"length": 1 << 64}, {"name": "x" * 70_000}, {"permission": 1 << 16}, {"name": "\ud800"}]
)
def test_what_has_no_form_is_not_written(bad: dict[str, Any]) -> None:
    record = Record("f", False, 0, "", "")._replace(**bad)
    with pytest.raises((ValueError, Exception), match=r".") as caught:
        encode(Listing((record,), Moment(bytes(16), 0, 0)))
    assert type(caught.value).__name__ in ("error", "UnicodeEncodeError", "ValueError")


# ---- damage


def believed(raw: bytes, name: EntryName) -> bool:
    try:
        decode(checked_data(raw, name.identity, name.number, MOST))
    except CorruptBlock:
        return False
    return True


def mutants(raw: bytes, chance: random.Random) -> list[bytes]:
    """One damaged in each way that a disk or a killed writer may."""
    at, other = chance.randrange(len(raw)), chance.randrange(len(raw))
    flipped = bytearray(raw)
    flipped[at] ^= 1 << chance.randrange(8)
    zeroed = bytearray(raw)
    zeroed[at : at + 512] = bytes(len(zeroed[at : at + 512]))
    low, high = sorted((at, other))
    footer = bytearray(raw)
    footer[-1 - chance.randrange(48)] = chance.randrange(256)
    return [
        bytes(flipped),
        bytes(zeroed),
        bytes(footer),
        raw[:at],
        raw[at:],
        raw[:low] + raw[high:],
        raw + raw[-at:],
        raw[:at] + chance.randbytes(chance.randrange(1, 9)) + raw[at:],
        raw[low:] + raw[:low],
        bytes(len(raw)),
        chance.randbytes(len(raw) - 8) + MAGIC,
    ]


def test_no_mutant_is_ever_believed(figures: dict[str, int]) -> None:
    chance = random.Random(20)
    for path in GOLDEN:
        name, raw = name_in(vector(path)), path.with_suffix(".bin").read_bytes()
        assert believed(raw, name)
        for _ in range(60):
            for mutant in mutants(raw, chance):
                assert mutant == raw or not believed(mutant, name)
                figures["mutants of listings, none of which was believed"] += mutant != raw


def test_no_other_directory_s_entry_is_believed() -> None:
    names = {path: name_in(vector(path)) for path in GOLDEN}
    for path, name in names.items():
        raw = path.with_suffix(".bin").read_bytes()
        assert [other for other in names if believed(raw, names[other])] == [path]
        assert not believed(raw, name._replace(number=name.number + 1))


def test_a_larger_one_than_allowed_is_none() -> None:
    _, _, path, listing = LISTINGS["large"]
    name = entry_name("d", "prod", path)
    raw = content(name, listing)
    assert believed(raw, name)
    with pytest.raises(CorruptBlock):
        checked_data(raw, name.identity, name.number, len(encode(listing)) - 1)


def test_a_moment_ages_by_both_clocks() -> None:
    now = Moment.now()
    assert 0 <= (now.age() or 0) < 10
    for wrong in (
        now._replace(boot=UUID(int=1).bytes),
        now._replace(ticks=now.ticks + 10**12),
        now._replace(wall=now.wall + 10**6),
    ):
        assert wrong.age() is None
    for old in (now._replace(ticks=now.ticks - 100 * 10**9), now._replace(wall=now.wall - 100_000)):
        assert 100 <= (old.age() or 0) < 110

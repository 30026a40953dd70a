"""What a block is called and how it ends (FORMAT.md sections 2, 3, 4 and 6)."""

from __future__ import annotations

import hashlib
import string
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh64_intdigest

from hybridfs.errors import CorruptBlock
from hybridfs.layout import REGION_BYTES, Identity, block_name, block_path, domain_name, flight_offset
from hybridfs.trailer import CHUNK, BlockSpec, make_trailer, parse_trailer, trailer_bytes
from tests.python.support import BLOCK, KIB, MIB, pattern

SAFE = set(string.ascii_letters + string.digits + "._-")


@given(st.text(min_size=1))
def test_a_domain_is_a_short_file_name(raw: str) -> None:
    name = domain_name(raw)
    assert set(name) <= SAFE | {"%"}
    assert len(name) <= 100
    assert domain_name(raw) == name


@given(st.text(max_size=40), st.text(max_size=40))
def test_two_domains_have_two_names(one: str, other: str) -> None:
    assert (domain_name(one) == domain_name(other)) == (one == other)


def test_a_domain_of_exactly_100_bytes_stays_and_a_longer_one_is_hashed() -> None:
    assert domain_name("x" * 100) == "x" * 100
    assert domain_name("x" * 101) == "x" * 60 + "-" + hashlib.sha256(b"x" * 101).hexdigest()[:32]
    assert domain_name("hdfs-Ä:1") == "hdfs-%C3%84%3A1"


def test_names_by_the_letter_of_the_format() -> None:
    identity = Identity("hdfs-a", "hdfs://a/ü?#%", "17", 3 * REGION_BYTES)
    encoded = "hdfs-a\nhdfs://a/ü?#%\n17\n402653184".encode()
    assert identity.encoded == encoded
    for block, region in ((0, 0), (127, 0), (128, 1), (383, 2)):
        name = hashlib.sha256(encoded + f"\n{region}".encode()).hexdigest()[:32]
        assert block_name(identity, block, MIB) == name
        assert block_path(identity, block, MIB) == f"v1/hdfs-a/{name[:2]}/{name}/{block}"
        assert flight_offset(identity, block, MIB) == 2**32 + (int(name[:15], 16) + block) % 2**60


@pytest.mark.parametrize(
    "other", [("hdfs-b", "u", "1", 5), ("hdfs-a", "v", "1", 5), ("hdfs-a", "u", "2", 5), ("hdfs-a", "u", "1", 6)]
)
def test_each_part_of_an_identity_counts(other: tuple[str, str, str, int]) -> None:
    assert block_name(Identity("hdfs-a", "u", "1", 5), 0, BLOCK) != block_name(Identity(*other), 0, BLOCK)


@given(st.integers(1, 1 << 40), st.sampled_from([64 * KIB, MIB, 16 * MIB]))
def test_blocks_cover_a_file_once(length: int, block_size: int) -> None:
    identity = Identity("d", "u", "t", length)
    last = identity.blocks(block_size) - 1
    assert last * block_size + identity.block_length(last, block_size) == length
    assert 1 <= identity.block_length(last, block_size) <= block_size


@given(st.integers(1, 3 * CHUNK + 5), st.binary(min_size=1, max_size=300), st.integers(0, 2**64 - 1))
def test_a_trailer_by_the_letter_of_the_format(length: int, identity: bytes, validator: int) -> None:
    data = memoryview(pattern(length))
    spec = BlockSpec(identity, 7, length, 4 * CHUNK, validator)
    raw = make_trailer(spec, data)
    sums = [xxh64_intdigest(data[at : at + 65536], seed=0) for at in range(0, length, 65536)]
    head = struct.pack(f"<{len(sums)}Q", *sums) + identity
    head += struct.pack("<QQIIIHH", validator, 7, length, len(identity), 4 * CHUNK, 1, 1)
    assert raw == head + struct.pack("<Q", xxh64_intdigest(head, seed=0)) + b"HYBRIDFS"
    assert len(raw) == trailer_bytes(spec)
    assert list(parse_trailer(raw, spec)) == sums


SPEC = BlockSpec(b"identity", 3, 1000, BLOCK, 42)


@pytest.mark.parametrize(
    ("written", "counter", "unlink"),
    [
        (BlockSpec(b"identity", 4, 1000, BLOCK, 42), "corrupt", True),
        (BlockSpec(b"identity", 3, 999, BLOCK, 42), "corrupt", True),
        (BlockSpec(b"identity", 3, 1000, 2 * BLOCK, 42), "corrupt", True),
        (BlockSpec(b"Identity", 3, 1000, BLOCK, 42), "corrupt", False),
        (BlockSpec(b"identity of another length", 3, 1000, BLOCK, 42), "corrupt", False),
        (BlockSpec(b"identity", 3, 1000, BLOCK, 43), "version_changed", True),
    ],
)
def test_a_trailer_of_anything_else_is_refused(written: BlockSpec, counter: str, unlink: bool) -> None:
    raw = make_trailer(written, memoryview(pattern(written.length)))
    with pytest.raises(CorruptBlock) as caught:
        parse_trailer(raw, SPEC)
    assert (caught.value.counter, caught.value.unlink) == (counter, unlink)


@pytest.mark.parametrize(("written", "expected"), [(0, 42), (42, 0), (0, 0), (42, 42)])
def test_an_unknown_validator_fits_every_other(written: int, expected: int) -> None:
    data = memoryview(pattern(1000))
    raw = make_trailer(BlockSpec(b"identity", 3, 1000, BLOCK, written), data)
    assert parse_trailer(raw, BlockSpec(b"identity", 3, 1000, BLOCK, expected))

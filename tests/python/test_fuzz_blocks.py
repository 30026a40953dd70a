"""Every mutation of a block is a counted miss and never a wrong byte (FORMAT.md section 4)."""

from __future__ import annotations

import os
import random
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hybridfs.layout import block_path
from hybridfs.trailer import BlockSpec, make_trailer
from tests.python.support import KIB, ScriptedOrigin, Version, cache, make_socket, pattern
from tests.torture.mutants import Seed, mutant, sealed, with_field

BLOCK_SIZE = 128 * KIB  # two chunks
LENGTHS = (BLOCK_SIZE, 70_001)  # of the file's two blocks, the second with a short last chunk
DATA = pattern(sum(LENGTHS), seed=1)
VALIDATOR = 42
Mutant = tuple[str, bytes]


class Victim:
    """A cached file of two blocks, one of which is replaced by mutants."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.origin = ScriptedOrigin()
        self.origin.write("/f", DATA, "7", VALIDATOR)
        with cache(root, block_size=BLOCK_SIZE) as opened:
            assert opened.read(self.origin, "/f") == DATA
        self.sound = [self.path(number).read_bytes() for number in range(2)]
        self.mutants = 0

    def path(self, number: int) -> Path:
        return self.root / block_path(self.origin.identity("/f"), number, BLOCK_SIZE)

    def spec(self, number: int) -> BlockSpec:
        encoded = self.origin.identity("/f").encoded
        return BlockSpec(encoded, number, LENGTHS[number], BLOCK_SIZE, VALIDATOR)

    def put(self, number: int, content: bytes) -> None:
        """A file of its own each time, as a publisher makes it."""
        temporary = self.root / "mutant"
        temporary.write_bytes(content)
        self.path(number).parent.mkdir(parents=True, exist_ok=True)
        temporary.rename(self.path(number))

    def read(self) -> dict[str, int]:
        """Reads all as a new process; the bytes must be right. Returns the counters."""
        with cache(self.root, block_size=BLOCK_SIZE, fetch_streams=1) as opened:
            assert opened.read(self.origin, "/f") == DATA
        return opened.counts

    def check(self, number: int, mutants: Iterable[Mutant], counter: str = "corrupt") -> None:
        """Each mutant is counted once as ``counter`` and fetched again, and then all is well."""
        for label, content in mutants:
            self.put(number, content)
            counts = self.read()
            assert (counts["corrupt"], counts["version_changed"]) == (counter == "corrupt", counter != "corrupt"), label
            assert counts["origin_bytes"] == LENGTHS[number], label
            assert counts["tier_faults"] == 0, label
            self.heal(number, label)
            self.mutants += 1

    def heal(self, number: int, label: str) -> None:
        """What was served from the origin is in the cache again, at the latest after one more read."""
        if not self.path(number).exists():
            self.read()
        assert self.path(number).read_bytes() == self.sound[number], label


@pytest.fixture
def victim(tmp_path: Path, figures: Counter[str]) -> Iterator[Victim]:
    made = Victim(tmp_path / "root")
    yield made
    figures["mutants of blocks, none of which was read"] += made.mutants


def flipped(content: bytes, bits: Iterable[int]) -> Iterator[Mutant]:
    for bit in bits:
        mutant = bytearray(content)
        mutant[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit % 8} of byte {bit // 8}", bytes(mutant)


@pytest.mark.parametrize("number", [0, 1])
def test_every_bit_of_the_trailer(victim: Victim, number: int) -> None:
    content = victim.sound[number]
    victim.check(number, flipped(content, range(8 * LENGTHS[number], 8 * len(content))))
    assert victim.mutants == 8 * (len(content) - LENGTHS[number])


@pytest.mark.parametrize("number", [0, 1])
def test_mutants_of_all_kinds(victim: Victim, number: int) -> None:
    """What both readers refuse alike (tests/torture/fuzz.py) an engine counts once, fetches and publishes again."""
    identity = victim.origin.identity("/f")
    pool = [Seed(identity, n, BLOCK_SIZE, VALIDATOR, victim.sound[n][: LENGTHS[n]]) for n in range(2)]
    chance = random.Random(number)
    tried = [mutant(chance, pool[number : number + 1] if n % 4 else pool) for n in range(400)]
    for one in tried:
        left = one.kind in (
            "another identity",
            "another block",
        )  # not unlinked: `test_sound_blocks_of_other_identities`
        if one.seed.number == number and not left and not one.is_sound_for(VALIDATOR):
            (validator,) = struct.unpack_from("<Q", one.content.rjust(48), len(one.content.rjust(48)) - 48)
            other_file = one.content == replace(one.seed, validator=validator).content
            victim.check(number, [(one.kind, one.content)], "version_changed" if other_file else "corrupt")
    assert victim.mutants > 200


def test_another_validator(victim: Victim) -> None:
    content = victim.sound[0]
    mutants = (
        (f"validator {value}", sealed(with_field(content, "validator", value), LENGTHS[0]))
        for value in (1, 41, 43, 2**64 - 1)
    )
    victim.check(0, mutants, counter="version_changed")


def test_an_unknown_validator_is_no_fault(victim: Victim) -> None:
    victim.put(0, sealed(with_field(victim.sound[0], "validator", 0), LENGTHS[0]))
    assert victim.read()["hit_blocks_disk"] == 2


@pytest.mark.parametrize("number", [0, 1])
def test_sound_blocks_of_other_identities(victim: Victim, number: int) -> None:
    """Other versions and other files, with other bytes, under this block's name: a collision, or somebody's prank."""
    foreign = pattern(LENGTHS[number], seed=9)
    spec = victim.spec(number)
    domain, uri, token, length = spec.identity.split(b"\n")
    others = [
        (domain, uri, b"8", length),
        (domain, uri, token, b"1" + length),
        (domain, uri, token + b"\n", length),
        (domain, uri + b"x", token, length),
        (domain, uri[:-1] + b"g", token, length),
        (b"hdfs-other", uri, token, length),
        (b"\xff\xfe", uri, token, length),
        (domain, uri * 3000, token, length),
    ]
    specs = [BlockSpec(b"\n".join(parts), number, spec.length, BLOCK_SIZE, VALIDATOR) for parts in others]
    mutants = [(f"{len(one.identity)} bytes", foreign + make_trailer(one, memoryview(foreign))) for one in specs]
    for label, content in mutants:
        victim.put(number, content)
        assert victim.read()["corrupt"] >= 1, label
        assert victim.path(number).read_bytes() == victim.sound[number], f"{label}: the next publish replaces it"
        victim.mutants += 1


def test_an_old_version_of_equal_length_is_not_read(victim: Victim) -> None:
    """Its blocks lie under another name; even when moved under the new one they are refused."""
    old = victim.path(0), victim.sound[0]
    new = pattern(len(DATA), seed=2)
    victim.origin.files["/f"] = Version(new, "8", VALIDATOR, inode=0)
    victim.put(0, old[1])
    assert victim.path(0) != old[0]
    with cache(victim.root, block_size=BLOCK_SIZE) as opened:
        assert opened.read(victim.origin, "/f") == new
    assert opened.counts["corrupt"] >= 1


def test_a_block_cut_while_it_is_open(victim: Victim) -> None:
    """What was read by the same reader before says nothing."""
    with cache(victim.root, block_size=BLOCK_SIZE) as opened, opened.open(victim.origin, "/f") as file:
        buffer = bytearray(len(DATA))
        assert file.readinto(buffer) == len(DATA)  # large reads are not mapped: a map would be cut, too
        for number in range(2):
            os.truncate(victim.path(number), LENGTHS[number] // 2)
        file.seek(0)
        assert file.readinto(buffer) == len(DATA)
        assert buffer == DATA
        assert opened.counts["corrupt"] == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.mkdir(),
        lambda path: os.mkfifo(path),
        lambda path: path.symlink_to(path.with_name("1")),
        lambda path: path.symlink_to("/dev/zero"),
        make_socket,
    ],
    ids=["directory", "fifo", "link to a block", "link to a device", "socket"],
)
def test_things_that_are_no_files(victim: Victim, make: Callable[[Path], None]) -> None:
    victim.path(0).unlink()
    make(victim.path(0))
    counts = victim.read()
    assert counts["corrupt"] + counts["tier_faults"] >= 1
    assert counts["hit_blocks_disk"] == 1


@pytest.mark.parametrize("level", ["domain", "shard", "region"])
def test_directories_that_are_files(victim: Victim, level: str) -> None:
    region = victim.path(0).parent
    place = {"region": region, "shard": region.parent, "domain": region.parent.parent}[level]
    place.rename(victim.root / "aside")
    place.write_text("a file")
    counts = victim.read()
    assert counts["miss_blocks"] == 2
    assert counts["tier_faults"] == 0, "the disk is well"
    assert counts["corrupt"] >= 1

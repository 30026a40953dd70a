"""Every mutation of a block is a counted miss and never a wrong byte (FORMAT.md section 4)."""

from __future__ import annotations

import os
import random
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from xxhash import xxh64_intdigest

from hybridfs.layout import block_path
from hybridfs.trailer import BlockSpec, make_trailer
from tests.python.support import KIB, ScriptedOrigin, Version, cache, pattern

BLOCK_SIZE = 128 * KIB  # two chunks
LENGTHS = (BLOCK_SIZE, 70_001)  # of the file's two blocks, the second with a short last chunk
DATA = pattern(sum(LENGTHS), seed=1)
FILE_ID = 42
Mutant = tuple[str, bytes]


class Field:
    """Of the footer: where from the end, and how wide (FORMAT.md section 4)."""

    FILE_ID, NUMBER, N, K, BLOCK_SIZE, ALGORITHM, VERSION = (
        (48, "<Q"), (40, "<Q"), (32, "<I"), (28, "<I"), (24, "<I"), (20, "<H"), (18, "<H"),
    )  # fmt: skip


class Victim:
    """A cached file of two blocks, one of which is replaced by mutants."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.origin = ScriptedOrigin()
        self.origin.write("/f", DATA, "7", FILE_ID)
        with cache(root, block_size=BLOCK_SIZE) as opened:
            assert opened.read(self.origin, "/f") == DATA
        self.sound = [self.path(number).read_bytes() for number in range(2)]
        self.mutants = 0

    def path(self, number: int) -> Path:
        return self.root / block_path(self.origin.identity("/f"), number, BLOCK_SIZE)

    def spec(self, number: int) -> BlockSpec:
        encoded = self.origin.identity("/f").encoded
        return BlockSpec(encoded, number, LENGTHS[number], BLOCK_SIZE, FILE_ID)

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


def sealed(content: bytes) -> bytes:
    """With a checksum of the trailer that fits: what somebody else's code could have written."""
    chunks = content[: len(content) - 16]
    sums = 8 * -(-struct.unpack_from("<I", content, len(content) - 32)[0] // 65_536)
    k = struct.unpack_from("<I", content, len(content) - 28)[0]
    start = max(0, len(content) - 48 - k - sums)
    return chunks + struct.pack("<Q", xxh64_intdigest(content[start : len(content) - 16])) + b"HYBRIDFS"


def with_field(content: bytes, field: tuple[int, str], value: int) -> bytes:
    mutant = bytearray(content)
    struct.pack_into(field[1], mutant, len(mutant) - field[0], value)
    return sealed(bytes(mutant))


@pytest.mark.parametrize("number", [0, 1])
def test_every_bit_of_the_trailer(victim: Victim, number: int) -> None:
    content = victim.sound[number]
    victim.check(number, flipped(content, range(8 * LENGTHS[number], 8 * len(content))))
    assert victim.mutants == 8 * (len(content) - LENGTHS[number])


@pytest.mark.parametrize("number", [0, 1])
def test_bits_of_the_data(victim: Victim, number: int) -> None:
    bits = {*range(64), *range(8 * 65_536 - 64, 8 * 65_536 + 64), *range(8 * LENGTHS[number] - 64, 8 * LENGTHS[number])}
    bits |= set(random.Random(number).sample(range(8 * LENGTHS[number]), 300))
    victim.check(number, flipped(victim.sound[number], sorted(bits)))


@pytest.mark.parametrize("number", [0, 1])
def test_truncations_and_extensions(victim: Victim, number: int) -> None:
    content, length = victim.sound[number], LENGTHS[number]
    sizes = {*range(200), *range(length - 100, len(content)), 65_535, 65_536, 65_537}
    sizes |= set(random.Random(number).sample(range(len(content)), 100))
    victim.check(number, ((f"cut to {size}", content[:size]) for size in sorted(sizes)))
    extras = [b"\0", b"x" * 8, b"\0" * 48, b"\0" * 4096, content, content[-100:], b"\0" * (1 << 20)]
    victim.check(number, ((f"longer by {len(extra)}", content + extra) for extra in extras))
    victim.check(number, [("front cut", content[1:]), ("front added", b"\0" + content)])


@pytest.mark.parametrize("number", [0, 1])
def test_other_contents(victim: Victim, number: int) -> None:
    content, data = victim.sound[number], DATA[number * BLOCK_SIZE :][: LENGTHS[number]]
    zeros = bytes(len(data))
    whole = random.Random(number).randbytes(len(content))
    victim.check(
        number,
        [
            ("nothing", b""),
            ("zeros", bytes(len(content))),
            ("noise", whole),
            ("noise with magic", whole[:-8] + b"HYBRIDFS"),
            ("data lost in a crash", zeros + content[len(data) :]),
            ("a page lost in a crash", content[:4096] + bytes(4096) + content[8192:]),
            ("the other block", victim.sound[1 - number]),
            ("the other block's trailer", data + victim.sound[1 - number][LENGTHS[1 - number] :]),
            ("halves of both chunks swapped", content[65_536 : len(data)] + content[:65_536] + content[len(data) :]),
        ],
    )


@pytest.mark.parametrize("number", [0, 1])
def test_well_sealed_trailers_of_other_meaning(victim: Victim, number: int) -> None:
    content = victim.sound[number]
    values = [0, 1, 2, 3, 255, 65_535, 65_536, 131_072, 131_073, 2**31, 2**32 - 1, 2**63]
    for field in (Field.NUMBER, Field.N, Field.K, Field.BLOCK_SIZE, Field.ALGORITHM, Field.VERSION):
        room = 2 ** (8 * struct.calcsize(field[1]))
        mutants = ((f"field {field}: {value}", with_field(content, field, value)) for value in values if value < room)
        victim.check(number, [(label, mutant) for label, mutant in mutants if mutant != content])
    sums = LENGTHS[number]
    victim.check(number, [("sums of another", sealed(content[:sums] + bytes(8) + content[sums + 8 :]))])


def test_another_file_id(victim: Victim) -> None:
    content = victim.sound[0]
    mutants = ((f"fileId {value}", with_field(content, Field.FILE_ID, value)) for value in (1, 41, 43, 2**64 - 1))
    victim.check(0, mutants, counter="version_changed")


def test_an_unknown_file_id_is_no_fault(victim: Victim) -> None:
    victim.put(0, with_field(victim.sound[0], Field.FILE_ID, 0))
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
    specs = [BlockSpec(b"\n".join(parts), number, spec.length, BLOCK_SIZE, FILE_ID) for parts in others]
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
    victim.origin.files["/f"] = Version(new, "8", FILE_ID, inode=0)
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


def make_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the path of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(here)


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
    assert counts["tier_faults"] >= 1

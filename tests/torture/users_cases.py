"""Two users of one root, in Python and as JVMs. Each case is a function of a `House`."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybridfs import HybridFileSystem
from tests.python.support import blocks_in, environment
from tests.torture.cached import check_blocks
from tests.torture.outcome import Outcome, unfit
from tests.torture.readers import Died, NameNode, Reader, Readers, User, read_rightly, write_files

GROUP = 42_000
PRIVATE, SHARED = 0o700, 0o2770
_UMASKS = (0o022, 0o077, 0o000, 0o027)
_LANGUAGES = ("python", "java")
_FEW = ("sh", "-c", 'ulimit -n 160; exec "$@"', "sh")  # blocks are opened anew more often
_COMMAND = re.compile(r"chmod ([0-7]{3,4}|[ugo]+[-+=][rwxs]+)(?: |,|$)")


@dataclass
class House:
    """Where the roots are, who lives there, and the HDFS."""

    namenode: NameNode
    scratch: Path  # others may go through it
    outcome: Outcome
    rng: random.Random
    readers: Readers
    turn: int = 0
    users: list[int] = field(default_factory=lambda: [41_001, 41_002])

    def user(self, number: int, *, member: bool = True) -> User:
        """The first or the second user, with a random umask."""
        uid = self.users[number]
        groups = (GROUP,) if member else ()
        return User(uid, uid, groups, self.rng.choice(_UMASKS), name=("alice", "bob")[number])

    def new_root(self, mode: int, owner: int, group: int = GROUP) -> Path:
        self.turn += 1
        root = self.scratch / f"root{self.turn}"
        root.mkdir()
        os.chown(root, owner, group)
        root.chmod(mode)
        return root

    def new_files(self, count: int = 2) -> dict[str, Path]:
        return write_files(self.namenode, self.scratch, self.rng.randrange(1 << 40), count=count)

    def start(self, language: str, root: Path, user: User, files: dict[str, Path], **options: Any) -> Reader:
        reader = self.readers.start(language, root, user=user, **options)
        reader.know(files)
        return reader

    def read_all(self, reader: Reader, what: str, files: dict[str, Path]) -> dict[str, int]:
        """Reads all files, right; what the counters grew by."""
        before = reader.stats()
        read_rightly(reader, files, self.outcome, f"{what}, {reader.language}")
        after = reader.stats()
        return {name: value - before[name] for name, value in after.items() if isinstance(value, int)}


def total(files: dict[str, Path]) -> int:
    return sum(copy.stat().st_size for copy in files.values())


def the_second_reads_what_the_first_cached(house: House, pairs: tuple[tuple[str, str], ...] = ()) -> None:
    """In a group root: all of it, without a byte of the origin; without mapping it; and the modes are right."""
    for first, second in pairs or tuple(itertools.product(_LANGUAGES, _LANGUAGES)):
        what = f"{first} then {second}"
        root, files = house.new_root(SHARED, house.users[0]), house.new_files()
        writer = house.start(first, root, house.user(0), files)
        house.read_all(writer, what, files)
        other = house.start(second, root, house.user(1), files)
        grew = house.read_all(other, what, files)
        house.outcome.check(grew["origin_bytes"] == 0, f"{what}: {grew['origin_bytes']} bytes came from the origin")
        hit, wanted = grew["hit_bytes"], total(files)
        house.outcome.check(hit == wanted, f"{what}: {hit} of {wanted} bytes hit")
        house.outcome.add("bytes that the second user read from the first one's blocks", hit)
        other.ask("go", 2, 1)
        time.sleep(0.3)
        found = other.ask("stop")
        house.outcome.check(not unfit(found) and not found["errors"], f"{what}: {found}")
        mapped = other.ask("census", root)["maps_below"]
        house.outcome.check(mapped == 0, f"{what}: {mapped} maps of blocks that others may truncate")
        warnings = other.warnings() + writer.warnings()
        house.outcome.check(not warnings, f"{what}: {warnings}")
        check_modes(house, root, what)
        writer.end()
        other.end()


def check_modes(house: House, root: Path, what: str) -> None:
    """Of every directory and file in a group root."""
    for path in [root, *root.rglob("*")]:
        found = path.lstat()
        wanted = SHARED if path.is_dir() else 0o660
        right = found.st_mode & 0o7777 == wanted and found.st_gid == GROUP
        house.outcome.check(right, f"{what}: {path} has {found.st_mode & 0o7777:o}, group {found.st_gid}")
    house.outcome.add("modes compared")


def each_evicts_and_spares_and_publishes_beside_the_other(house: House) -> None:
    """A small budget: blocks of the first user are unlinked, or spared, by the second one; nothing is a fault."""
    for first, second in itertools.product(_LANGUAGES, _LANGUAGES):
        what = f"{second} evicts what {first} cached"
        root, files = house.new_root(SHARED, house.users[0]), house.new_files(3)
        writer = house.start(first, root, house.user(0), files)
        house.read_all(writer, what, files)
        writer.end()
        owned = blocks_in(root)
        for block in house.rng.sample(owned, len(owned) // 2):
            block.unlink()  # so that the second publishes into directories of the first
        other = house.start(second, root, house.user(1), files, disk="1GiB")
        grew = house.read_all(other, what, files)
        owners = {block.stat().st_uid for block in blocks_in(root)}
        house.outcome.check(owners == set(house.users), f"{what}: blocks belong to {owners}")
        house.outcome.check(grew["hit_bytes"] > 0 and grew["published_blocks"] > 0, f"{what}: {grew}")
        other.end()
        other = house.start(second, root, house.user(1), files, disk="3MiB")
        more = house.new_files(4)
        other.know(more)
        grew = house.read_all(other, what, more)
        house.outcome.check(grew["evicted_blocks"] > 0, f"{what}: {grew}")
        house.outcome.check(grew["tier_faults"] == 0, f"{what}: {grew['tier_faults']} faults, {other.warnings()}")
        used = sum(block.stat().st_blocks * 512 for block in blocks_in(root))
        house.outcome.check(used <= 6 << 20, f"{what}: {used} bytes are kept with a budget of 3 MiB")
        check_blocks(root, files | more, house.outcome, what)
        check_modes(house, root, what)
        house.outcome.add("blocks that a user evicted from a shared root", grew["evicted_blocks"])
        other.end()


def a_private_root_serves_its_owner_only(house: House) -> None:
    """The second user gets no block of it, a message with the way out, and right bytes from the origin."""
    for language in _LANGUAGES:
        what = f"private root, {language}"
        root, files = house.new_root(PRIVATE, house.users[0]), house.new_files()
        owner = house.start("python", root, house.user(0), files)
        house.read_all(owner, what, files)
        before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
        other = house.start(language, root, house.user(1), files)
        grew = [house.read_all(other, what, files) for _ in range(2)]
        hits = [one["hit_bytes"] for one in grew]
        house.outcome.check(hits == [0, 0], f"{what}: {hits} bytes were hits")
        warnings = other.warnings()
        house.outcome.check(len(warnings) == 1, f"{what}: {len(warnings)} warnings: {warnings}")
        told = f"{warnings}"
        way_out = str(house.users[0]) in told and ("cache_dir" in told or "another directory" in told)
        house.outcome.check(way_out, f"{what}: no way out in {told}")
        after = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
        house.outcome.check(before == after, f"{what}: the root was changed")
        house.outcome.check(not [p for p in root.rglob("*") if p.stat().st_mode & 0o077], f"{what}: modes too wide")
        house.outcome.add("private roots")
        owner.end()
        other.end()


def an_unsafe_root_is_refused_and_mended(house: House, most: int = 16) -> None:
    """The message holds a command that mends it, and following it does."""
    modes = (0o777, 0o1777, 0o770, 0o2777, 0o775, 0o702, 0o2772, 0o720)
    for language, mode in house.rng.sample(list(itertools.product(_LANGUAGES, modes)), most):
        what = f"root with {mode:o}, {language}"
        root, files = house.new_root(mode, house.users[0]), house.new_files(1)
        reader = house.start(language, root, house.user(0), files)
        house.read_all(reader, what, files)
        warnings = reader.warnings()
        house.outcome.check(not list(root.iterdir()), f"{what}: it was used")
        house.outcome.check(len(warnings) == 1, f"{what}: {warnings}")
        command = _COMMAND.search(warnings[0]) if warnings else None
        reader.end()
        if house.outcome.check(command, f"{what}: no command in {warnings}"):
            assert command is not None
            subprocess.run(["chmod", command[1], root], check=True)
            mended = house.start(language, root, house.user(0), files)
            grew = house.read_all(mended, f"{what}, mended by chmod {command[1]}", files)
            told = f"{what}: chmod {command[1]} does not mend it: {mended.warnings()}"
            house.outcome.check(grew["published_blocks"] > 0 and not mended.warnings(), told)
            mended.end()
        house.outcome.add("unsafe roots")


def a_group_root_of_others_is_refused(house: House) -> None:
    """Who is not in the group gets nothing of it."""
    for language in _LANGUAGES:
        what = f"not in the group, {language}"
        root, files = house.new_root(SHARED, house.users[0]), house.new_files(1)
        reader = house.start(language, root, house.user(1, member=False), files)
        grew = house.read_all(reader, what, files)
        house.outcome.check(grew["hit_bytes"] == grew["published_blocks"] == 0, f"{what}: {grew}")
        house.outcome.check(len(reader.warnings()) == 1, f"{what}: {reader.warnings()}")
        reader.end()


def what_hdfs_forbids_the_cache_forbids(house: House) -> None:
    """A file that only the first user may read is not read by the second, though its blocks are at hand."""
    root, files = house.new_root(SHARED, house.users[0]), house.new_files(1)
    host, port = house.namenode.authority.split(":")
    client = HybridFileSystem(host, int(port), enabled=False, skip_instance_cache=True).origin.fs.client
    for path in files:
        client.set_owner(path, "alice", "alice")
        client.set_permission(path, 0o600)
    for first, second in (("python", "java"), ("java", "python")):
        owner = house.start(first, root, house.user(0), files)
        house.read_all(owner, "forbidden file", files)
        other = house.start(second, root, house.user(1), files)
        for path in files:
            found = other.read(path)
            refused = found["read"] == 0 and "ermission" in str(found["error"])
            house.outcome.check(refused, f"a file that is forbidden to {second}: {found}")
            house.outcome.add("forbidden files")
        owner.end()
        other.end()


def a_hostile_co_tenant(house: House, seconds: float = 6) -> None:
    """Truncates, replaces and swaps blocks under their readers: no wrong byte, nobody hangs or dies."""
    root, files = house.new_root(SHARED, house.users[0]), house.new_files(3)
    readers = [
        house.start(
            language, root, house.user(number), files, disk="64MiB", before=_FEW if language == "python" else ()
        )
        for number, language in enumerate(("python", "java"))
    ]
    for reader in readers:
        house.read_all(reader, "before the co-tenant", files)
    command = [sys.executable, "-m", "tests.torture.hostile", root, house.rng.randrange(1 << 30), 41_003, GROUP]
    hostile = subprocess.Popen(
        [*map(str, command)], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    for reader in readers:
        reader.ask("go", 2, house.rng.randrange(1 << 30))
    for _ in range(int(seconds / 0.2)):
        time.sleep(0.2)
        for reader in readers:
            reader.ask("later")  # so that there are blocks again to be spoilt
    for reader in readers:
        found = reader.ask("stop")
        what = f"a hostile co-tenant, {reader.language}"
        house.outcome.say(f"{what}: {found}")
        house.outcome.check(not unfit(found) and not found["errors"] and found["reads"], f"{what}: {found}")
        house.outcome.add("bytes compared", found["bytes"])
    deeds, _ = hostile.communicate("", timeout=60)
    house.outcome.say(f"the co-tenant did {deeds.strip()}")
    if house.outcome.check(deeds.startswith("{"), "the co-tenant died"):
        house.outcome.add("deeds of a hostile co-tenant", sum(json.loads(deeds).values()))
    for reader in readers:
        reader.ask("later")
        house.read_all(reader, "after the co-tenant", files)
        house.outcome.say(f"{reader.language}: {reader.stats()} {reader.warnings()}")
        reader.end()
    shutil.rmtree(root)


def blocks_are_truncated_while_they_are_open(house: House, pairs: tuple[tuple[str, str], ...] = ()) -> None:
    """By a member of the group, under readers that have them open, or mapped: their own blocks and foreign ones."""
    for first, second in pairs or tuple(itertools.product(_LANGUAGES, _LANGUAGES)):
        what = f"blocks of {first}, open in {second}, truncated"
        root, files = house.new_root(SHARED, house.users[0]), house.new_files()
        writer = house.start(first, root, house.user(0), files)
        house.read_all(writer, what, files)
        reader = writer if first == second else house.start(second, root, house.user(1), files)
        try:
            for keep in (70_000, 10, 0):
                reader.ask("go", 3, house.rng.randrange(1 << 30))
                time.sleep(0.4)
                for block in blocks_in(root):
                    os.truncate(block, min(keep, block.stat().st_size))
                time.sleep(0.4)
                found = reader.ask("stop")
                house.outcome.check(not unfit(found) and not found["errors"] and found["reads"], f"{what}: {found}")
                house.outcome.add("bytes compared", found["bytes"])
                house.read_all(reader, f"{what}, filled again", files)
                reader.ask("settle")
        except Died as died:
            house.outcome.check(False, f"{what}: {died}")
        house.outcome.add("readers whose open blocks were truncated")
        reader.end()
        writer.end()


def pipes_stand_in_the_place_of_files(house: House, languages: tuple[str, ...] = _LANGUAGES) -> None:
    """Of those by which a group root is known and accounted: nobody waits for who might write to them."""
    for language, name in itertools.product(
        languages, ("usage", "published", "upkeep", "lock", "cache-id", "v1/layout")
    ):
        what = f"{name} is a pipe, {language}"
        root, files = house.new_root(SHARED, house.users[0]), house.new_files()
        first = house.start("python", root, house.user(0), files)
        house.read_all(first, what, files)
        first.end()
        (root / name).unlink(missing_ok=True)
        os.mkfifo(root / name, 0o660)
        (root / name).chmod(0o660)
        os.chown(root / name, house.users[0], GROUP)
        try:
            reader = house.start(language, root, house.user(0), files, disk="3MiB")
            more = house.new_files(3)
            reader.know(more)
            house.read_all(reader, what, files | more)
            reader.end()
        except Died as died:
            house.outcome.check(False, f"{what}: {died}")
        house.outcome.add("pipes in the place of files")


CASES: tuple[Callable[[House], None], ...] = (
    the_second_reads_what_the_first_cached,
    each_evicts_and_spares_and_publishes_beside_the_other,
    a_private_root_serves_its_owner_only,
    an_unsafe_root_is_refused_and_mended,
    a_group_root_of_others_is_refused,
    what_hdfs_forbids_the_cache_forbids,
    a_hostile_co_tenant,
    blocks_are_truncated_while_they_are_open,
    pipes_stand_in_the_place_of_files,
)

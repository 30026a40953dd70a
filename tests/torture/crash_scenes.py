"""What is going on when a process dies: a cache in some state, and one operation of the store on it.

A scene prepares the directories in one process; another one opens what it needs, arms the crash, and operates.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from hybridfs import config
from hybridfs.blocks import CachedBlock
from hybridfs.errors import CorruptBlock
from hybridfs.layout import Identity, block_path
from hybridfs.root import SHARED_MEMORY, open_root
from hybridfs.stats import Stats
from hybridfs.store import NoStore, Store, open_store
from tests.python.support import BLOCK, KIB, MIB, Cache, ScriptedOrigin

CACHE_ID = "c0ffee00-0000-4000-8000-{:012x}"
FILES = 12
BLOCKS = 24
LENGTH = BLOCKS * BLOCK - 12_345  # the last block is short
BUDGET, AMPLE = 2 * MIB, 64 * MIB
HOUR = 3600


@dataclass(frozen=True)
class Block:
    """One of the blocks that exist in this world."""

    file: int
    number: int

    @property
    def identity(self) -> Identity:
        return Identity("test", f"test://origin/{self.file}", "7", LENGTH)

    @property
    def validator(self) -> int:
        return 1000 + self.file

    @property
    def path(self) -> str:
        return block_path(self.identity, self.number, BLOCK)

    @property
    def data(self) -> bytes:
        return _data(self)


@cache
def _data(block: Block) -> bytes:
    size = block.identity.block_length(block.number, BLOCK)
    return random.Random(block.file * BLOCKS + block.number).randbytes(size)


def of_file(file: int, numbers: Iterable[int] = range(BLOCKS)) -> list[Block]:
    return [Block(file, number) for number in numbers]


EVERY = [block for file in range(FILES) for block in of_file(file)]


@dataclass(frozen=True)
class Place:
    """Where a scene plays. ``key`` makes its memory tier its own."""

    directory: Path
    key: int

    @property
    def root(self) -> Path:
        return self.directory / "root"

    @property
    def second(self) -> Path:
        return self.directory / "second"

    @property
    def memory(self) -> Path:
        return Path(SHARED_MEMORY) / f"hybridfs-{CACHE_ID.format(self.key)}"

    @property
    def roots(self) -> list[Path]:
        return [self.root, self.second, self.memory]

    def options(self, tiers: str, budget: int = BUDGET) -> dict[str, Any]:
        """Of one disk tier (``one``), of two (``two``), or of a memory tier over a disk (``memory``)."""
        disk: dict[str, Any] = {"disk": budget}
        if tiers == "two":
            disk = {"disk": f"{self.root}={budget},{self.second}={budget}"}
        elif tiers == "memory":
            disk = {"disk": budget, "memory": budget}
        return {"cache_dir": str(self.root), "block_size": BLOCK, "min_free": 0, "max_age": 0} | disk

    def store(self, tiers: str, budget: int = BUDGET, **options: Any) -> tuple[Store | NoStore, Stats]:
        """As an engine opens it, and what it counts."""
        stats = Stats()
        return open_store(config.settings(**(self.options(tiers, budget) | options)), stats), stats


def publish(store: Store | NoStore, blocks: Iterable[Block]) -> int:
    """How many were published."""
    refused = [store.publish(b.identity, b.number, memoryview(b.data), b.validator) for b in blocks]
    return refused.count(None)


def look(store: Store | NoStore, blocks: Iterable[Block]) -> int:
    """Reads what is there; how many blocks were sound."""
    found = 0
    for block in blocks:
        opened = store.lookup(block.identity, block.number, block.validator)
        if isinstance(opened, CachedBlock):
            try:
                assert opened.data() == block.data, f"wrong bytes of {block}"
                found += 1
            except CorruptBlock as corrupt:
                store.discard(block.identity, block.number, opened, corrupt)
            finally:
                opened.close()
    return found


def _made(place: Place) -> None:
    place.root.mkdir(mode=0o700, parents=True)
    (place.root / "cache-id").write_text(CACHE_ID.format(place.key) + "\n")
    (place.root / "cache-id").chmod(0o600)


def _fill(directory: Path, blocks: Iterable[Block], place: Place, *, used: bool = False) -> None:
    """Blocks in one tier, written by the store; every third is marked as read when ``used``."""
    settings = place.options("one") | {"disk": f"{directory}={AMPLE}"}
    store = Store(open_root(str(place.root), BLOCK), config.settings(**settings), Stats())
    blocks = list(blocks)
    assert publish(store, blocks) == len(blocks)
    settle_upkeep()
    store.close()
    for number, block in enumerate(blocks):
        modified = os.stat(directory / block.path).st_mtime_ns
        os.utime(directory / block.path, ns=(modified + (10**9 if used and number % 3 == 0 else 0), modified))


def settle_upkeep() -> None:
    """Waits for the upkeep that a store does beside its work."""
    for thread in threading.enumerate():
        if thread.name == "hybridfs-upkeep":
            thread.join()


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then), follow_symlinks=False)


# ---- scenes: prepared by a function of a place, played by a generator that yields when it is to be armed


def _nothing(place: Place) -> None:
    place.directory.mkdir(exist_ok=True)


def _some(place: Place) -> None:
    _made(place)
    _fill(place.root, of_file(0), place)


def _full(place: Place) -> None:
    _made(place)
    _fill(place.root, [*of_file(0), *of_file(1, range(6))], place, used=True)
    region = (place.root / Block(1, 0).path).parent  # few: what is counted is true within a MiB, half the budget
    (region / "pin.1").write_text("an old one")
    (region / f"pin.{int(time.time()) + 10**6}").write_text("a pin")


def _uncounted(place: Place) -> None:
    _full(place)
    (place.root / "usage").write_text("garbled")


def _full_tiers(place: Place) -> None:
    _made(place)
    _fill(place.root, [*of_file(0), *of_file(1, range(6))], place, used=True)
    _fill(place.second, [*of_file(2), *of_file(1, range(3, 9))], place, used=True)


def _full_memory(place: Place) -> None:
    _made(place)
    _fill(place.memory, [*of_file(0), *of_file(1, range(6))], place, used=True)
    _fill(place.root, of_file(3), place)
    for block in of_file(3):
        modified = os.stat(place.root / block.path).st_mtime_ns
        os.utime(place.root / block.path, ns=(modified + 10**9, modified))


def _neglected(place: Place) -> None:
    """Upkeep is due: orphans, an older tree, an expired pin, blocks that nobody has looked at for long."""
    _made(place)
    _fill(place.root, [*of_file(0), *of_file(1, range(6))], place)
    for number in range(3):
        orphan = place.root / "v1" / "tmp" / f"{number}-0123456789abcdef"
        orphan.write_bytes(bytes(100_000))
        age(orphan, 2 * HOUR)
    old = place.root / "v0" / "domain" / "ab"
    old.mkdir(parents=True)
    (old / "0").write_bytes(bytes(10_000))
    for path in (old / "0", old, old.parent, old.parent.parent):
        age(path, 8 * 24 * HOUR)
    for block in of_file(0, range(8)):
        age(place.root / block.path, 48 * HOUR)
    (place.root / "upkeep").touch(mode=0o600)
    age(place.root / "upkeep", 30 * HOUR)
    fills = place.root / "fills"
    fills.mkdir(mode=0o700)
    (fills / "gone").write_bytes(b"...")
    age(fills / "gone", 8 * 24 * HOUR)


def _damaged(place: Place) -> None:
    _some(place)
    for block in _DAMAGED:
        path = place.root / block.path
        status = path.stat()
        content = bytearray(path.read_bytes())
        content[-20 if block.number % 2 else 100] ^= 1
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@dataclass(frozen=True)
class Scene:
    """What is done to blocks: publish, look (and promote, or refuse what is damaged), or fetch, as an engine does.

    ``tiers`` and ``options`` as for `Place.options`; ``opens``: opening the store is part of it.
    """

    prepare: Callable[[Place], None]
    verb: Literal["publish", "look", "fetch"]
    blocks: tuple[Block, ...]
    tiers: str = "one"
    options: tuple[tuple[str, object], ...] = ()
    opens: bool = False
    damaged: frozenset[str] = frozenset()

    def play(self, place: Place) -> Iterator[None]:
        """Yields when it is to be armed."""
        if self.verb == "fetch":
            yield from self._fetch(place)
        elif self.opens:
            yield
            self._do(place.store(self.tiers, **dict(self.options))[0])
        else:
            store, _ = place.store(self.tiers, **dict(self.options))
            yield
            self._do(store)

    def _do(self, store: Store | NoStore) -> None:
        (publish if self.verb == "publish" else look)(store, self.blocks)
        settle_upkeep()

    def _fetch(self, place: Place) -> Iterator[None]:
        """A whole engine: locks, the origin, publishing."""
        origin = ScriptedOrigin()
        data = b"".join(block.data for block in self.blocks)
        origin.write("/5", data, "7", 1005)
        used = Cache(place.root, fetch_streams=1, fetch_size=256 * KIB, **dict(self.options))
        yield
        with used.open(origin, "/5") as file:
            assert file.read() == data
        used.settle()


_ROOMY = (("disk", AMPLE),)
_COUNTED = tuple(of_file(4, range(18)))  # more than a MiB: the ledger is told, whatever remainder a process begins with
_DAMAGED = of_file(0, range(4))
SCENES: dict[str, Scene] = {
    "open": Scene(_nothing, "look", (), "two", opens=True),
    "publish": Scene(_some, "publish", (*of_file(4, (0, 1, BLOCKS - 1)), Block(0, 3)), options=_ROOMY),
    "publish, first": Scene(_nothing, "publish", _COUNTED, opens=True),
    "publish, counted": Scene(_some, "publish", _COUNTED, options=_ROOMY),
    "fetch": Scene(_some, "fetch", tuple(of_file(5)), options=_ROOMY),
    "refuse": Scene(_damaged, "look", tuple(of_file(0, range(5))), damaged=frozenset(b.path for b in _DAMAGED)),
    "evict": Scene(_full, "publish", _COUNTED),
    "evict, uncounted": Scene(_uncounted, "publish", _COUNTED),
    "demote": Scene(_full_tiers, "publish", _COUNTED, "two"),
    "promote, demote": Scene(_full_memory, "look", tuple(of_file(3, range(18))), "memory"),
    "upkeep": Scene(_neglected, "publish", _COUNTED, options=(*_ROOMY, ("max_age", "24h"))),
}

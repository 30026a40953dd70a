"""What must hold after a process died or was failed at any point, and for those who come afterwards."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from hybridfs.layout import block_path
from hybridfs.ledger import UNIT
from hybridfs.store import Store
from hybridfs.trailer import BlockSpec, make_trailer
from tests.python.support import BLOCK, MIB
from tests.torture.crash_scenes import (
    AMPLE,
    BUDGET,
    EVERY,
    FILES,
    HOUR,
    Block,
    Place,
    Scene,
    age,
    look,
    of_file,
    publish,
    settle_upkeep,
)
from tests.torture.snapshot import read_untouched

_FLOCK = "hhqqi4x"
_BY_PATH = {block_path(block.identity, block.number, BLOCK): block for block in EVERY}
_KNOWN = {"cache-id", "lock", "usage", "published", "upkeep", "disabled", "fills", "v0", "v1"}
_SLACK = 2 * MIB  # how far above its budget a tier may be (FORMAT.md section 7)
_PAGES = -(-(BLOCK + 4096) // 4096) * 4096
_FRESH = range(6, FILES)  # files of which no scene has blocks


def recover(place: Place, scene: Scene) -> list[str]:
    """A reader, a publisher, an evictor and a clean-up come to what a crash left. Returns what is wrong."""
    problems: list[str] = []

    def step(check: Callable[[], Iterable[str]]) -> None:
        try:
            problems.extend(check())
        except Exception as error:  # a fault of the cache is never a fault of who reads or publishes
            problems.append(f"{type(error).__name__}: {error}")

    step(lambda: bad_blocks(place, scene.damaged))
    step(lambda: held_locks(place))
    step(lambda: _read(place, scene))
    step(lambda: _serve(place, scene))
    return problems


def tiers_of(place: Place) -> list[Path]:
    return [tier for tier in place.roots if tier.is_dir()]


def block_files(tier: Path) -> Iterator[Path]:
    """Whatever stands where a block may stand."""
    for path in tier.glob("v1/*/*/*/*"):
        if not path.name.startswith("pin."):
            yield path


def bad_blocks(place: Place, damaged: frozenset[str]) -> Iterator[str]:
    """Files at a block's place that are not that block to the byte."""
    for tier in tiers_of(place):
        for path in block_files(tier):
            relative = str(path.relative_to(tier))
            block = _BY_PATH.get(relative)
            if block is None:
                yield f"bad publish: {relative} is no block's name"
            elif relative not in damaged and read_untouched(path) != whole(block):
                yield f"bad publish: {relative} is wrong"


def sound_blocks(place: Place, damaged: frozenset[str]) -> list[Block]:
    """Those that a reader must find."""
    present = {str(path.relative_to(tier)) for tier in tiers_of(place) for path in block_files(tier)}
    return [_BY_PATH[path] for path in sorted(present - damaged) if path in _BY_PATH]


def whole(block: Block) -> bytes:
    """The block's file."""
    spec = BlockSpec(block.identity.encoded, block.number, len(block.data), BLOCK, block.validator)
    return block.data + make_trailer(spec, memoryview(block.data))


def held_locks(place: Place) -> Iterator[str]:
    for tier in tiers_of(place):
        if (tier / "lock").exists():
            with (tier / "lock").open("r+b") as file:
                asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
                found = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_OFD_GETLK, asked))
                if found[0] != fcntl.F_UNLCK:
                    yield f"{tier.name}: a lock is held at {found[2]}"


def _read(place: Place, scene: Scene) -> Iterator[str]:
    """By who evicts nothing meanwhile."""
    store, stats = place.store(scene.tiers, AMPLE)
    sound = sound_blocks(place, scene.damaged)
    found = look(store, sound)
    if found != len(sound):
        yield f"{found} of {len(sound)} blocks are read: {stats.snapshot()}"
    store.close()


def _serve(place: Place, scene: Scene) -> Iterator[str]:
    store, stats = place.store(scene.tiers)
    if not isinstance(store, Store):
        yield "the cache cannot be used"
        return
    try:
        for file in _FRESH:  # four times the budget: every tier is counted anew on the way
            blocks = of_file(file)
            published = publish(store, blocks)
            if published != len(blocks):
                yield f"{published} of {len(blocks)} blocks are published"
            look(store, blocks)
            look(store, blocks)  # the second reader promotes
        settle_upkeep()
        yield from _accounts(store)
        for tier in tiers_of(place):
            for path in temporary_files(tier):
                age(path, 2 * HOUR)
            if (tier / "upkeep").exists():
                age(tier / "upkeep", 2 * HOUR)
        for file in (5, 4, 3):
            publish(store, of_file(file))
            look(store, of_file(file))
            look(store, of_file(file))
        settle_upkeep()
        for tier in tiers_of(place):
            for path in temporary_files(tier):
                yield f"left over: {tier.name}/{_shape(path.relative_to(tier))}"
        faults = stats.snapshot()["tier_faults"]
        if faults:
            yield f"{faults} faults of tiers"
    finally:
        store.close()


def _accounts(store: Store) -> Iterator[str]:
    for tier in store.tiers:
        real = sum(path.stat().st_blocks * 512 for path in block_files(Path(tier.directory)))
        held = tier.ledger.used()
        if abs(held - real) > 2 * UNIT + _PAGES:  # the one that was struck and this one: each keeps a part of a MiB
            yield f"{tier.kind}: {held} bytes are counted, {real} are there"
        if real > BUDGET + _SLACK + UNIT:
            yield f"{tier.kind}: {real} bytes of a budget of {BUDGET}"


def temporary_files(tier: Path) -> list[Path]:
    """Files that nobody would look at again."""
    strange = [path for path in tier.iterdir() if path.name not in _KNOWN]
    return [*strange, *(path for path in (tier / "v1").iterdir() if path.is_file() and path.name != "layout"),
            *(tier / "v1" / "tmp").iterdir()]  # fmt: skip


def _shape(path: Path) -> str:
    name, _, rest = path.name.partition(".")
    return str(path.parent / (f"{name}.…" if rest else "…"))

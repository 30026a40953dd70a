"""What a co-tenant who may write to a shared root does to its blocks.

``python -m tests.torture.hostile ROOT SEED UID GID`` goes on until its standard input ends, then prints how often it
did what.
"""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

from tests.torture.reader import become

_LARGEST = 1 << 17


def _truncate(block: Path, others: list[Path], rng: random.Random) -> None:
    os.truncate(block, rng.choice([0, 1, 100, block.stat().st_size // 2, block.stat().st_size - 1]))


def _extend(block: Path, others: list[Path], rng: random.Random) -> None:
    """But none that was cut: grown again it shows zeros to who has it open and verified, which only trust prevents."""
    with block.open("rb") as file:
        file.seek(-8, os.SEEK_END)
        whole = file.read() == b"HYBRIDFS"
    if whole:
        os.truncate(block, block.stat().st_size + rng.choice([1, 48, 1 << 40]))


def _replace(block: Path, others: list[Path], rng: random.Random) -> None:
    """By another block, sound in itself."""
    aside = block.parent / f"aside-{rng.random()}"
    fd = os.open(rng.choice(others), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        aside.write_bytes(os.read(fd, _LARGEST))
    finally:
        os.close(fd)
    aside.rename(block)


def _garbage(block: Path, others: list[Path], rng: random.Random) -> None:
    aside = block.parent / f"aside-{rng.random()}"
    aside.write_bytes(rng.randbytes(min(block.stat().st_size, _LARGEST)))
    aside.rename(block)


def _link(block: Path, others: list[Path], rng: random.Random) -> None:
    """A symbolic link: to another block, to a device that never ends, to itself, to nothing."""
    block.unlink()
    block.symlink_to(rng.choice([rng.choice(others), Path("/dev/zero"), block, Path("/nothing")]))


def _hard_link(block: Path, others: list[Path], rng: random.Random) -> None:
    block.unlink()
    os.link(rng.choice(others), block)


def _pipe(block: Path, others: list[Path], rng: random.Random) -> None:
    block.unlink()
    os.mkfifo(block, 0o660)


def _directory(block: Path, others: list[Path], rng: random.Random) -> None:
    block.unlink()
    block.mkdir()


def _empty_region(block: Path, others: list[Path], rng: random.Random) -> None:
    shutil.rmtree(block.parent, ignore_errors=True)


def _link_region(block: Path, others: list[Path], rng: random.Random) -> None:
    shutil.rmtree(block.parent, ignore_errors=True)
    block.parent.symlink_to(rng.choice(others).parent)


DEEDS = (_truncate, _extend, _replace, _garbage, _link, _hard_link, _pipe, _directory, _empty_region, _link_region)


def misbehave(root: Path, seed: int) -> dict[str, int]:
    """Does one deed after the other to a random block until the standard input ends; returns how often each."""
    rng, done = random.Random(seed), Counter[str]()
    while not select.select([sys.stdin], [], [], 0)[0]:
        blocks = [path for path in root.glob("v1/hdfs-*/*/*/*") if path.name.isdigit() and path.is_file()]
        for block in rng.sample(blocks, min(4, len(blocks))):
            deed = rng.choice(DEEDS if rng.random() < 0.1 else DEEDS[:-2])  # a region lost is many blocks lost
            try:
                deed(block, blocks, rng)
                done[deed.__name__.strip("_")] += 1
            except OSError:
                done["not done"] += 1
        time.sleep(0.02)
    return done


if __name__ == "__main__":
    directory, number, user, group = sys.argv[1:]
    become(int(user), int(group), [int(group)])
    os.umask(0o007)
    print(json.dumps(misbehave(Path(directory), int(number))), flush=True)

"""What lies in a tier: its directories and blocks by name, and a count (FORMAT.md sections 1, 7 and 9)."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from hybridfs.ledger import Usage
from hybridfs.pins import clear_expired

VERSION = 1
# Gone, something else, or of another user who lets nobody in: passed over.
_NOT_OURS = (FileNotFoundError, NotADirectoryError, PermissionError)
_TREE = re.compile(r"v(\d{1,9})")


@dataclass(frozen=True)
class Region:
    """A region's directory, and the names of the blocks in it."""

    path: str
    blocks: list[str]
    pinned: bool


def shards(directory: str) -> list[str]:
    """The directories ``<domain>/<xx>`` of the tier at ``directory``."""
    tree = os.path.join(directory, f"v{VERSION}")
    if os.path.islink(tree):  # whoever put it there must not have files removed elsewhere
        return []
    return [
        shard
        for domain in subdirectories(tree)
        if os.path.basename(domain) != "tmp"
        for shard in subdirectories(domain)
    ]


def subdirectories(path: str) -> list[str]:
    """Links are none."""
    try:
        with os.scandir(path) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except _NOT_OURS:
        return []


def read_region(path: str) -> Region:
    """Lists a region and looks at nothing in it; for who has the evictor's lock: expired pins and empty ones go."""
    try:
        names = os.listdir(path)
    except _NOT_OURS:
        return Region(path, [], pinned=False)
    if not names:
        remove_if_empty(path)
    return Region(path, [name for name in names if name.isdecimal()], clear_expired(path, names))


def remove_if_empty(region: str) -> None:
    """Removes a region's directory, and those above it that are empty then. A publisher makes them again."""
    with contextlib.suppress(OSError):
        os.removedirs(region)


def look_at(path: str) -> os.stat_result | None:
    """One ``stat`` of a block; None if it has gone or is no file."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except _NOT_OURS:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def size_on_disk(found: os.stat_result) -> int:
    """Bytes."""
    return found.st_blocks * 512


def blocks(directory: str) -> Iterator[tuple[Region, str, os.stat_result]]:
    """Looks at each block of the tier at ``directory``: its region, its path, and what was found."""
    for shard in shards(directory):
        for path in subdirectories(shard):
            region = read_region(path)
            for name in region.blocks:
                block = os.path.join(path, name)
                found = look_at(block)
                if found:
                    yield region, block, found


def count(directory: str) -> Usage:
    """Counts the blocks of the tier at ``directory``, and the bytes of these and of trees of older versions."""
    size = number = 0
    for _, _, found in blocks(directory):
        size += size_on_disk(found)
        number += 1
    return Usage(size + sum(tree_size(tree) for tree in older_trees(directory)), number, 0)


def older_trees(directory: str, version: int = VERSION) -> list[str]:
    """Directories ``v<k>`` of versions before ``version`` (FORMAT.md section 9)."""
    trees = [(tree, _TREE.fullmatch(os.path.basename(tree))) for tree in subdirectories(directory)]
    return [tree for tree, match in trees if match and int(match[1]) < version]


def tree_files(tree: str) -> Iterator[os.stat_result]:
    """Looks at all files of a tree, whatever they are."""
    for parent, _, names in os.walk(tree):
        for name in names:
            with contextlib.suppress(*_NOT_OURS):
                yield os.stat(os.path.join(parent, name), follow_symlinks=False)


def tree_size(tree: str) -> int:
    """Bytes on disk."""
    return sum(size_on_disk(found) for found in tree_files(tree))


def is_new(directory: str) -> bool:
    """Whether no domain and no older tree lies in the tier."""
    tree = os.path.join(directory, f"v{VERSION}")
    return {os.path.basename(path) for path in subdirectories(tree)} <= {"tmp"} and not older_trees(directory)

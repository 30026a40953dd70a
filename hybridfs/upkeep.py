"""What is done to a tier now and then: what was left behind or is too old goes (FORMAT.md sections 5, 7 and 9)."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator

from hybridfs.contents import (
    VERSION,
    blocks,
    count,
    older_trees,
    remove_if_empty,
    size_on_disk,
    tree_files,
    tree_size,
)
from hybridfs.ledger import Usage
from hybridfs.locks import EVICTOR
from hybridfs.publishing import write_once
from hybridfs.stats import Stats
from hybridfs.tier import Tier

ORPHAN_SECONDS = 3600
UNTOUCHED_SECONDS = 7 * 86_400
_ANY = re.compile(".*")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC  # a link is none: it may lead anywhere
_ASIDE = re.compile(r"[a-z-]+\.\d+-[0-9a-f]{16}")  # of a small file that is written aside


def keep_up(tier: Tier, stats: Stats, fills: str, *, at_once: bool = False) -> bool:
    """Does upkeep of a tier if it is due (``at_once``: in any case) and no evictor is at work; whether it was done.

    ``fills``: the directory of what applications have published. A fault of the disk sets the tier aside.
    """
    with tier.lock.holding(EVICTOR) as got:
        if not got:
            return False
        try:
            due = at_once or _is_due(tier)
            if due:
                now = _note(tier)
                remove_untouched(fills, now - UNTOUCHED_SECONDS)
                _remove_orphans(tier.directory, now)
                removed = remove_older_trees(tier.directory, now)
                if tier.max_age:
                    _remove_aged(tier, stats, now - tier.max_age)
                elif removed:
                    published = tier.ledger.published.total()
                    tier.ledger.reset(count(tier.directory), published)
        except OSError as error:
            tier.fault(error)
            return False
        return due


def _is_due(tier: Tier) -> bool:
    """Again, under the lock: another process may have done it meanwhile."""
    return tier.upkeep_is_due(tier.ledger.published.touched())


def _note(tier: Tier) -> float:
    """Writes down that upkeep is done now; the time by the file system's clock."""
    path = tier.upkeep_path
    write_once(path, b"", tier.modes.file)
    with contextlib.suppress(PermissionError):  # another user's, who lets nobody write
        os.utime(path)
    return os.stat(path).st_mtime


def _remove_orphans(directory: str, now: float) -> None:
    """Removes the temporary files that died with the process that wrote them."""
    tree = os.path.join(directory, f"v{VERSION}")
    remove_untouched(os.path.join(tree, "tmp"), now - ORPHAN_SECONDS)
    for place in (directory, tree):
        remove_untouched(place, now - ORPHAN_SECONDS, _ASIDE)


def remove_untouched(directory: str, since: float, names: re.Pattern[str] = _ANY) -> None:
    """Removes the files in a directory, of such names, that were not written since then."""
    try:
        place = os.open(directory, _DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        for name in filter(names.fullmatch, os.listdir(place)):
            with contextlib.suppress(FileNotFoundError, IsADirectoryError, PermissionError):
                found = os.stat(name, dir_fd=place, follow_symlinks=False)
                linked = names is _ASIDE and found.st_nlink > 1  # to the file it was for, whose times move on
                if linked or found.st_mtime < since:
                    os.unlink(name, dir_fd=place)
    finally:
        os.close(place)


def remove_older_trees(directory: str, now: float, version: int = VERSION) -> bool:
    """Removes the trees of versions before ``version`` that nobody uses any more; whether there were any."""
    trees = [tree for tree in older_trees(directory, version) if not _is_used(tree, now - UNTOUCHED_SECONDS)]
    for tree in trees:
        shutil.rmtree(tree, ignore_errors=True)
    return bool(trees)


def _is_used(tree: str, since: float) -> bool:
    """Whether a file was read or anything modified. That a directory was read tells nothing: this here reads them."""
    if any(max(found.st_atime, found.st_mtime) >= since for found in tree_files(tree)):
        return True
    return any(os.stat(parent).st_mtime >= since for parent in _directories(tree))


def _directories(tree: str) -> Iterator[str]:
    return (parent for parent, _, _ in os.walk(tree))


def _remove_aged(tier: Tier, stats: Stats, since: float) -> None:
    """Unlinks unpinned blocks that were neither published nor read since then. As it looks at all it counts them."""
    published = tier.ledger.published.total()
    size = sum(tree_size(tree) for tree in older_trees(tier.directory))
    number = 0
    for region, path, found in blocks(tier.directory):
        if max(found.st_atime, found.st_mtime) < since and not region.pinned and _unlink(path):
            stats.add("evicted_blocks")
            remove_if_empty(region.path)
        else:
            size += size_on_disk(found)
            number += 1
    tier.ledger.reset(Usage(size, number, 0), published)


def _unlink(path: str) -> bool:
    try:
        os.unlink(path)
    except (FileNotFoundError, PermissionError):
        return False
    return True

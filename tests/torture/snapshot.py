"""A directory tree in memory: what a crash left, put back as often as it must be looked at."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class _Entry:
    mode: int
    times: tuple[int, int]
    content: bytes | None  # None: a directory


@dataclass
class Snapshot:
    """Some trees, each with the modes and times of its entries; plain files and directories only."""

    trees: dict[Path, dict[str, _Entry] | None] = field(default_factory=dict)  # None: there is nothing

    @staticmethod
    def take(roots: list[Path]) -> Snapshot:
        return Snapshot({root: _entries(root) if root.exists() else None for root in roots})

    def restore(self, to: dict[Path, Path] | None = None) -> None:
        """Makes the trees what they were, or others in their places; anything else in them is gone."""
        for tree, entries in self.trees.items():
            root = (to or {}).get(tree, tree)
            shutil.rmtree(root, ignore_errors=True)
            if entries is not None:
                _write(root, entries)


def _entries(root: Path) -> dict[str, _Entry]:
    found = {}
    for directory, _, names in os.walk(root):
        for path in [directory, *(os.path.join(directory, name) for name in names)]:
            status = os.lstat(path)
            content = read_untouched(path) if stat.S_ISREG(status.st_mode) else None
            times = (status.st_atime_ns, status.st_mtime_ns)
            found[os.path.relpath(path, root)] = _Entry(stat.S_IMODE(status.st_mode), times, content)
    return found


def read_untouched(path: str | Path) -> bytes:
    """A file's content; its access time, which means something to evictors and upkeep, stays."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOATIME), "rb") as file:
        return file.read()


def _write(root: Path, entries: dict[str, _Entry]) -> None:
    for relative, entry in entries.items():
        path = root / relative
        if entry.content is None:
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.write_bytes(entry.content)
            os.utime(path, ns=entry.times)
        os.chmod(path, entry.mode)
    for relative, entry in reversed(entries.items()):
        if entry.content is None:
            os.utime(root / relative, ns=entry.times)

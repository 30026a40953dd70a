"""What listings need of an HDFS, and what its answers are to them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Protocol, runtime_checkable

from hybridfs.layout import clean
from hybridfs.listing.form import Listing, Moment, Record
from hybridfs.listing.names import child_of, name_of

_PAGE = 1000  # children in one answer of a NameNode, dfs.ls.limit


class Seen(Protocol):
    """A file or directory as hdfs-native shows it."""

    path: str
    length: int
    isdir: bool
    permission: int
    owner: str
    group: str
    modification_time: int
    access_time: int
    replication: int | None
    blocksize: int | None


@runtime_checkable
class Namespace(Protocol):
    """One HDFS as one user. Errors are builtin exceptions."""

    authority: str
    listing_domain: str | None  # of what one user was told; None where it cannot be known who that is

    def list(self, path: str) -> Sequence[Seen]:
        """A directory's children, or the file itself."""

    def list_soon(self, path: str) -> Future[Sequence[Seen]]:
        """The same, asked for in another thread."""

    def look(self, path: str) -> Seen:
        """A file or directory."""


def pages(seen: Sequence[Seen]) -> int:
    """How many answers of the NameNode a listing took."""
    return max(1, -(-len(seen) // _PAGE))


def is_file(path: str, seen: Sequence[Seen]) -> bool:
    """Whether what a clean path names was a file, which HDFS lists as itself."""
    return len(seen) == 1 and clean(seen[0].path) == path and not seen[0].isdir


def listing(seen: Sequence[Seen], asked: Moment, own: Record | None = None) -> Listing:
    return Listing(tuple(map(record, seen)), asked, pages(seen), own)


def record(seen: Seen) -> Record:
    return Record(
        name_of(seen.path),
        seen.isdir,
        seen.permission,
        seen.owner,
        seen.group,
        seen.length,
        seen.modification_time,
        seen.access_time,
        seen.blocksize or 0,
        seen.replication or 0,
    )


def info(directory: str, found: Record) -> dict[str, Any]:
    """What fsspec's ``info`` and ``ls`` give, as the origin without a cache does. ``directory``: a clean path."""
    return {
        "name": child_of(directory, found.name),
        "size": found.length,
        "type": "directory" if found.directory else "file",
        "permission": found.permission,
        "owner": found.owner,
        "group": found.group,
        "modification_time": found.modified,
        "access_time": found.accessed,
        "mtime": found.modified / 1000,
    }

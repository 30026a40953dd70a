"""The store of listings: what one user was told of directories, in the first disk tier (FORMAT.md section 10)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Protocol

from hybridfs.errors import CorruptBlock
from hybridfs.listing.barrier import Barrier
from hybridfs.listing.form import Listing, Record, decode, encode
from hybridfs.listing.keeper import Keeper
from hybridfs.listing.names import EntryName, entry_name, is_virtual
from hybridfs.trailer import BlockSpec, checked_data, make_trailer

_MOST = 16 << 20
_MOST_TRAILER = 1 << 17


class Shelf(Protocol):
    """Where the files lie. Its faults are its own: nothing raises."""

    def read_entry(self, relative: str, most: int) -> bytes | None: ...
    def publish_entry(self, relative: str, parts: Sequence[bytes | memoryview]) -> bool: ...
    def discard_entry(self, relative: str, corrupt: CorruptBlock | None = None) -> None: ...


class Entries:
    """Listings of one HDFS as one user, by clean paths."""

    def __init__(self, shelf: Shelf, keeper: Keeper, barrier: Barrier, domain: str, authority: str) -> None:
        self._shelf = shelf
        self._keeper = keeper
        self.barrier = barrier
        self._domain = domain
        self._authority = authority

    def find(self, path: str, freshness: float) -> Listing | None:
        """What is known of the path and was asked for less than ``freshness`` seconds ago, by both clocks."""
        if is_virtual(path):
            return None
        name = self._name(path)
        content = self._shelf.read_entry(name.path, _MOST + _MOST_TRAILER)
        if content is None:
            return None
        try:
            found = decode(checked_data(content, name.identity, name.number, _MOST))
        except CorruptBlock as corrupt:
            self._shelf.discard_entry(name.path, corrupt)
            return None
        age = found.asked.age()
        fresh = age is not None and age < freshness
        return found if fresh and self.barrier.allows(path, found.asked.ticks) else None

    def keep(self, path: str, listing: Listing, freshness: float) -> None:
        """Writes it soon, unless the process changes the directory before; whatever fails, it is not kept then."""
        if not is_virtual(path):
            self._keeper.submit(1 + len(listing.children), lambda: self._keep(path, listing, freshness))

    def _keep(self, path: str, listing: Listing, freshness: float) -> None:
        if not self.barrier.allows(path, listing.asked.ticks) or self._better(path, listing, freshness):
            return
        try:
            data = encode(listing)
        except (ValueError, struct.error):  # a time before 1970, a name longer than any
            return
        if len(data) > _MOST:
            return
        name = self._name(path)
        validator = listing.own.file_id if listing.own else 0
        spec = BlockSpec(name.identity, name.number, len(data), 0, validator)
        self._shelf.publish_entry(name.path, [data, make_trailer(spec, memoryview(data))])
        if not self.barrier.allows(path, listing.asked.ticks):  # meanwhile it was changed
            self._shelf.discard_entry(name.path)

    def _better(self, path: str, listing: Listing, freshness: float) -> bool:
        """Whether a fresh entry is there that tells the same and more: of a client that sees fileIds and flags."""
        if listing.complete:
            return False
        known = self.find(path, freshness)
        return known is not None and known.complete and _told(known) == _told(listing)

    def drop(self, paths: Iterable[str]) -> None:
        """Removes what is kept of these directories."""
        for path in paths:
            self._shelf.discard_entry(self._name(path).path)

    def _name(self, path: str) -> EntryName:
        return entry_name(self._domain, self._authority, path)


def _told(listing: Listing) -> tuple[object, ...]:
    """What every client sees of a directory and its children; by its own record it is found unchanged later."""
    return listing.own and _seen(listing.own)[1:], sorted(map(_seen, listing.children))


def _seen(record: Record) -> tuple[object, ...]:
    return record[:7]

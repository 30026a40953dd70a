"""Makes the golden entries of the Python engine: ``python -m tests.golden.make_listings``, from the project's root.

``listings/python-<name>.bin`` is an entry as it lies in a root, ``python-<name>.json`` beside it says what it must be
called and hold (FORMAT.md section 10). The jar's tests write ``java-*`` of the same structure; both test suites read
both.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from hybridfs.layout import domain_name
from hybridfs.listing.form import Listing, Moment, Record, encode
from hybridfs.listing.names import EntryName, entry_name
from hybridfs.trailer import BlockSpec, make_trailer

HERE = Path(__file__).parent / "listings"
BOOT = UUID("00112233-4455-6677-8899-aabbccddeeff")
_ASKED = Moment(BOOT.bytes, 123_456_789_000_000_001, 1_700_000_123_456)
_DIRECTORY = Record("", True, 0o755, "hive", "hadoop", modified=1_700_000_000_000, file_id=16_400, children=3)
_FILE = Record(
    "part-0",
    False,
    0o640,
    "alice",
    "hadoop",
    1 << 40,
    1_700_000_000_001,
    1_700_000_000_002,
    1 << 27,
    3,
    file_id=16_385,
    children=0,
)
# What each is called: the authority, the user, the path of the directory, and what was told of it.
LISTINGS: dict[str, tuple[str, str, str, Listing]] = {
    "empty": ("namenode.example:8020", "alice", "/warehouse/empty", Listing((), _ASKED)),
    "absent": ("namenode.example:8020", "alice", "/warehouse/gone", Listing((), _ASKED, complete=True, absent=True)),
    "root": ("prod", "bob", "/", Listing((_DIRECTORY._replace(name="user"),), _ASKED, own=_DIRECTORY)),
    "incomplete": (
        "prod",
        "alice",
        "/warehouse/t/day=2026-01-01",
        Listing((_FILE._replace(file_id=0, children=(1 << 32) - 1),), _ASKED, own=_DIRECTORY._replace(file_id=0)),
    ),
    "complete": (
        "nameservice-" + "of-a-company-with-a-very-long-name." * 4 + "example:8020",
        "straße",
        "/warehouse/данные ?#%;/日本語",
        Listing(
            (
                _FILE,
                _FILE._replace(name="part-1", flags=4, erasure_coding="RS-6-3-1024k", replication=0, storage_policy=7),
                _DIRECTORY._replace(name="ü", flags=1 | 8, permission=0o1777, file_id=1 << 50),
            ),
            _ASKED,
            pages=3,
            own=_DIRECTORY,
            complete=True,
        ),
    ),
    "large": (
        "prod",
        "alice",
        "/large",
        Listing(
            tuple(_FILE._replace(name=f"part-{number:05}", length=number) for number in range(700)),
            _ASKED,
            pages=2,
            own=_DIRECTORY,
            complete=True,
        ),
    ),
}


def content(name: EntryName, listing: Listing) -> bytes:
    """An entry, to the byte."""
    data = encode(listing)
    spec = BlockSpec(name.identity, name.number, len(data), 0, listing.own.file_id if listing.own else 0)
    return data + make_trailer(spec, memoryview(data))


_FIELDS = ("name", "directory", "flags", "permission", "file_id", "length", "modified", "accessed", "block_size")
_FIELDS += ("replication", "storage_policy", "children", "owner", "group", "erasure_coding")


def record(found: Record) -> dict[str, Any]:
    """In JSON."""
    return {field: getattr(found, field) for field in _FIELDS}


def described(listing: Listing) -> dict[str, Any]:
    """In JSON."""
    return {
        "validator": listing.own.file_id if listing.own else 0,
        "boot": str(UUID(bytes=listing.asked.boot)),
        "complete": listing.complete,
        "absent": listing.absent,
        "asked_nanos": listing.asked.ticks,
        "asked_millis": listing.asked.wall,
        "pages": listing.pages,
        "own": listing.own and record(listing.own),
        "children": [record(child) for child in listing.children],
    }


def make(directory: Path) -> None:
    """Writes all entries and what they must hold."""
    directory.mkdir(parents=True, exist_ok=True)
    for title, (authority, user, path, listing) in LISTINGS.items():
        raw = f"hdfs-{authority}@{user}+listings"
        domain = domain_name(raw)
        name = entry_name(domain, authority, path)
        (directory / f"python-{title}.bin").write_bytes(content(name, listing))
        told = {"domain_raw": raw, "domain": domain, "uri": f"hdfs://{authority}{path}", "path": name.path}
        told |= {"number": name.number, **described(listing)}
        text = json.dumps(told, indent=None if len(listing.children) > 10 else 1, ensure_ascii=False)
        (directory / f"python-{title}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)

"""Which file holds which directory's listing (FORMAT.md section 10)."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple


def parent_of(path: str) -> str:
    """Of a clean path; the root is its own."""
    return path.rpartition("/")[0] or "/"


def name_of(path: str) -> str:
    """Of a clean path; the root's is empty."""
    return path.rpartition("/")[2]


def child_of(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory != "/" else f"/{name}"


def ancestors(path: str) -> list[str]:
    """Of a clean path, from its parent to the root."""
    found = []
    while path != "/":
        path = parent_of(path)
        found.append(path)
    return found


def is_virtual(path: str) -> bool:
    """Whether no parent lists a clean path truly: snapshots, and paths by fileId. Nothing is kept of these."""
    return path.startswith("/.reserved") or "/.snapshot" in path


class EntryName(NamedTuple):
    """An entry's place below a tier, and what its trailer must say."""

    path: str
    identity: bytes
    number: int


def entry_name(domain: str, authority: str, path: str) -> EntryName:
    """Of the entry of the directory at a clean path; ``domain`` as it is written, ``authority`` of section 2."""
    base = f"hdfs://{authority}"
    number = int(_digits(name_of(path).encode())[:15], 16)
    name = _siblings(domain, f"{base}{parent_of(path)}")
    identity = f"{domain}\n{base}{path}\nlisting".encode()
    return EntryName(f"v1/{domain}/{name[:2]}/{name}/{number}", identity, number)


@lru_cache(maxsize=4096)
def _siblings(domain: str, parent: str) -> str:
    return _digits(f"{domain}\n{parent}\nlistings".encode())[:32]


def _digits(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()

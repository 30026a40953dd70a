"""What the engine needs of an origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


@dataclass(frozen=True)
class Status:
    """A file at its origin. ``length`` in bytes; ``token`` names the version; ``file_id`` 0 = unknown.

    ``cacheable`` is false where the token cannot be trusted to move with the bytes; ``encrypted`` is true of a file in
    an encryption zone, where the origin tells.
    """

    length: int
    token: str
    file_id: int = 0
    cacheable: bool = True
    encrypted: bool = False

    def same_version(self, other: Status) -> bool:
        ids_differ = self.file_id and other.file_id and self.file_id != other.file_id
        return (self.length, self.token) == (other.length, other.token) and not ids_differ


class OriginReader(Protocol):
    """An open file of an origin; safe to use from several threads."""

    length: int  # as the origin sees it at open, bytes; -1 = unknown

    def read_range(self, offset: int, size: int) -> bytes:
        """Exactly ``size`` bytes. Raises OSError, also when the file ends before."""


class Origin(Protocol):
    """A filesystem that is the source of truth. Errors are builtin exceptions."""

    domain: str
    fs: AbstractFileSystem  # for everything that is not reading

    def uri(self, path: str) -> str:
        """The canonical URI of a path (FORMAT.md section 2)."""

    def status(self, path: str) -> Status:
        """Asks the origin, never a cache. Raises FileNotFoundError, IsADirectoryError, PermissionError, OSError."""

    def open(self, path: str) -> OriginReader:
        """Opens for reading; the origin decides whether the user may. Raises as ``status`` does."""


def short_read(path: str, offset: int, size: int, got: int) -> OSError:
    return OSError(f"{path}: {got} of {size} bytes at {offset}: the file is shorter at its origin than it was")

"""What the engine needs of an origin."""

from __future__ import annotations

import errno
import socket
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hybridfs.errors import OriginUnreachable
from hybridfs.validator import agree, file_validator

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


@dataclass(frozen=True)
class Status:
    """A file at its origin. ``length`` in bytes; ``token`` names the version.

    ``validator`` (``validator.file_validator``) tells files of one name, time and length apart, 0 = unknown.
    ``cacheable`` is false where the token cannot be trusted to move with the bytes; ``encrypted`` is true of a file in
    an encryption zone, where the origin tells. ``guarded``: not everybody who may open whatever the path names may read
    this version, as far as its mode tells.
    """

    length: int
    token: str
    validator: int = 0
    cacheable: bool = True
    encrypted: bool = False
    guarded: bool = True

    def same_version(self, other: Status) -> bool:
        return (self.length, self.token) == (other.length, other.token) and agree(self.validator, other.validator)


def hdfs_status(length: int, modified: int, owner: str, permission: int, file_id: int = 0) -> Status:
    """A file of HDFS. ``modified`` in milliseconds since the epoch; ``file_id`` 0 = unknown."""
    validator = file_validator(file_id, owner)
    guarded = not permission & stat.S_IROTH
    return Status(length, str(modified), validator, cacheable=modified > 0, guarded=guarded)


class OriginReader(Protocol):
    """An open file of an origin; safe to use from several threads."""

    length: int  # as the origin sees it at open, bytes; -1 = unknown

    @property
    def encrypted(self) -> bool | None:
        """Whether it gives the plaintext of an encryption zone; None: only the status tells."""

    def read_range(self, offset: int, size: int) -> bytes:
        """Exactly ``size`` bytes. Raises OSError, also when the file ends before."""


class Origin(Protocol):
    """A filesystem that is the source of truth. Errors are builtin exceptions."""

    domain: str
    plaintext_domain: str  # of what ``cache_encrypted`` keeps
    caller: str  # who reads, for the audit
    fs: AbstractFileSystem  # for everything that is not reading

    def uri(self, path: str) -> str:
        """The canonical URI of a path (FORMAT.md section 2)."""

    def status(self, path: str, *, briefly: bool = False) -> Status:
        """Asks the origin, never a cache; ``briefly``: of one that keeps silent it does not expect an answer for long.

        Raises FileNotFoundError, IsADirectoryError, PermissionError, OriginUnreachable, OSError.
        """

    def open(self, path: str) -> OriginReader:
        """Opens for reading; the origin decides whether the user may. Raises as ``status`` does."""


def short_read(path: str, offset: int, size: int, got: int) -> OSError:
    return OSError(f"{path}: {got} of {size} bytes at {offset}: the file is shorter at its origin than it was")


_NETWORK = frozenset({errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETUNREACH, errno.ENETDOWN})
# Of requests, urllib3, aiohttp, botocore: not imported for this.
_SILENCE = frozenset({"ConnectionError", "Timeout", "ClientConnectionError", "ServerTimeoutError", "HTTPClientError"})
_ANSWERS = frozenset({"SSLError", "ClientSSLError"})  # somebody did answer, with a certificate that is not trusted


def unanswered(error: BaseException) -> bool:
    """Whether an error says that the origin gave no answer at all."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, PermissionError) or names & _ANSWERS:
        return False
    if isinstance(error, (OriginUnreachable, ConnectionError, TimeoutError, socket.gaierror)):
        return True
    return bool(names & _SILENCE) or (isinstance(error, OSError) and error.errno in _NETWORK)

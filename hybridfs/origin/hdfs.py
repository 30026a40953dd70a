"""HDFS through hdfs-native: high availability, Kerberos and wire encryption without a JVM."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.utils import stringify_path
from hdfs_native import Client, FileStatus, WriteOptions
from hdfs_native.fsspec import HdfsFileSystem

from hybridfs.errors import BadOption, OriginUnreachable
from hybridfs.layout import clean, domain_name
from hybridfs.origin import hadoop_conf, hadoop_user
from hybridfs.origin.answers import PATIENCE, Answers
from hybridfs.origin.base import OriginReader, Status, hdfs_status, short_read
from hybridfs.origin.hdfs_errors import ZONE, translating

# hdfs-native waits 60 s for a silent DataNode and retries a NameNode that is down for minutes.
_PATIENCE = {
    "dfs.client.socket-timeout": "10000",
    "dfs.client.failover.max.attempts": "6",
    "dfs.client.failover.sleep.max.millis": "4000",
}
# It waits without end for a NameNode that is silent. These bound an answer, by whether it is awaited briefly.
_BOUNDS = {False: "ipc.client.rpc-timeout.ms", True: "dfs.client.socket-timeout"}
_SAFE_RANGE = 4 << 20  # larger single ranges cost page faults
_PROVIDER = "hadoop.security.key.provider.path"
_LISTERS = 128  # threads; a scan asks for so many directories at once
_logger = logging.getLogger("hybridfs")
_NO_KERBEROS: Mapping[str, str] = MappingProxyType({})


class TranslatingClient:
    """A Client whose errors are builtin exceptions that name the path."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        call = translating(getattr(self._client, name))
        setattr(self, name, call)
        return call

    def list_status(self, path: str, recursive: bool = False) -> Iterator[Any]:
        """A list: hdfs-native's iterator would raise later, untranslated."""
        statuses: list[Any] = translating(lambda p: list(self._client.list_status(p, recursive)))(path)
        return iter(statuses)


class HdfsNamespace(HdfsFileSystem):
    """hdfs-native's own fsspec filesystem, with errors and corners as fsspec specifies them."""

    cachable = False

    def __init__(self, authority: str, client: TranslatingClient) -> None:
        AbstractFileSystem.__init__(self)  # not HdfsFileSystem's, which makes a client of its own
        self.host, _, port = authority.partition(":")
        self.port = int(port) if port else None
        self.client = client  # type: ignore[assignment]

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        """Not by ``urlparse``: a path may hold ``?``, ``#`` and ``;``."""
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        path = str(stringify_path(path))
        if path.startswith("hdfs://"):
            path = "/" + path.removeprefix("hdfs://").partition("/")[2]
        return path.rstrip("/") or cls.root_marker

    def _convert_file_status(self, file_status: Any) -> dict[str, Any]:
        info = super()._convert_file_status(file_status)
        return info | {"mtime": file_status.modification_time / 1000}

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        return list(super().ls(path, detail, **kwargs))

    def mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        if self.exists(path):  # type: ignore[no-untyped-call]
            raise FileExistsError(errno.EEXIST, "exists", path)
        super().mkdir(path, create_parents, **kwargs)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        if not (exist_ok and self.isdir(path)):
            self.mkdir(path)

    def rmdir(self, path: str) -> None:
        if not self.isdir(path):
            self.info(path)
            raise NotADirectoryError(errno.ENOTDIR, "not a directory", path)
        super().rmdir(path)

    def rm_file(self, path: str) -> None:
        if not self.client.delete(self._strip_protocol(path), False):
            raise FileNotFoundError(errno.ENOENT, "no such file", path)

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
        for one in path if isinstance(path, list) else [path]:
            self.info(one)
            super().rm(one, recursive, maxdepth)

    def modified(self, path: str) -> datetime:
        return datetime.fromtimestamp(self.info(path)["mtime"], tz=UTC)

    def create(self, path: str, mode: str, *, autocommit: bool = True, **options: Any) -> Any:
        """A raw writer for mode wb, xb or ab."""
        if mode not in ("wb", "xb", "ab"):
            raise ValueError(f"mode {mode!r} is not supported by HDFS; it has rb, wb, xb and ab")
        if not autocommit:
            raise NotImplementedError("HDFS has no transactions; write to another name and rename it")
        if mode == "ab":
            exists = self.exists(path)  # type: ignore[no-untyped-call]
            return self.client.append(path) if exists else self.create(path, "wb", **options)
        return self.client.create(path, WriteOptions(overwrite=mode == "wb", create_parent=True, **options))


class _Reader:
    """Stays on the blocks that it opened."""

    def __init__(self, path: str, inner: Any, *, encrypted: bool) -> None:
        self._path = path
        self._read = translating(lambda _, offset, size: inner.read_range(offset, size))
        self.length = len(inner)
        self.encrypted = encrypted

    def read_range(self, offset: int, size: int) -> bytes:
        if offset + size > self.length:
            raise short_read(self._path, offset, size, max(0, self.length - offset))
        pieces = [
            self._read(self._path, at, min(_SAFE_RANGE, offset + size - at))
            for at in range(offset, offset + size, _SAFE_RANGE)
        ]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class HdfsOrigin:
    """One HDFS as one user. The NameNode checks the permission at every ``open``.

    ``alone``: what is cached belongs to one user (authorize=fill), whom ``user`` names where nothing else does.
    """

    def __init__(
        self,
        host: str | None = None,
        port: int | None = None,
        *,
        alone: bool = False,
        user: str = "",
        kerberos: Mapping[str, str] = _NO_KERBEROS,
        **config: Any,
    ) -> None:
        given = {key: str(value) for key, value in config.items()}
        if kerberos:
            given.setdefault("hadoop.security.authentication", "kerberos")
        properties = _PATIENCE | hadoop_conf.load() | given
        self.authority = hadoop_conf.authority(host, port, properties)
        owner = f"@{hadoop_user.short_name(user, properties)}" if alone else ""
        self.domain = domain_name(f"hdfs-{self.authority}{owner}")
        self.plaintext_domain = domain_name(f"hdfs-{self.authority}{owner}+plaintext")
        self.caller = hadoop_user.audit_name(user, kerberos, properties)
        self.listing_domain = self._listing_domain(user, properties)
        self._answers, self._listers = Answers(), Answers(_LISTERS)
        self._patience = {
            briefly: hadoop_conf.milliseconds(properties, key) or PATIENCE[briefly] for briefly, key in _BOUNDS.items()
        }
        settings = {key: properties[key] for key in _PATIENCE} | given

        def client(**changed: str) -> TranslatingClient:
            return TranslatingClient(Client(f"hdfs://{self.authority}", settings | changed, **kerberos))

        # Encryption zones show themselves to a client that cannot decrypt. Of other kinds of providers, such as jceks,
        # hdfs-native makes no client at all.
        self._blind = client(**{_PROVIDER: ""})
        self._client = client() if properties.get(_PROVIDER, "").startswith("kms://") else self._blind
        self.fs = HdfsNamespace(self.authority, self._client)

    def uri(self, path: str) -> str:
        return f"hdfs://{self.authority}{clean(path)}"

    def status(self, path: str, *, briefly: bool = False) -> Status:
        found = self._ask(self._client.get_file_info, path, self._patience[briefly])
        if found.isdir:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        return hdfs_status(found.length, found.modification_time, found.owner, found.permission)  # no fileId is shown

    def list(self, path: str) -> Sequence[FileStatus]:
        """A directory's children, or the file itself."""
        return list(self._client.list_status(path))

    def list_soon(self, path: str) -> Future[Sequence[FileStatus]]:
        """The same, asked for in another thread."""
        return self._listers.start(lambda: self.list(path))

    def look(self, path: str) -> FileStatus:
        """A file or directory."""
        found: FileStatus = self._client.get_file_info(path)
        return found

    def _listing_domain(self, user: str, properties: Mapping[str, str]) -> str | None:
        """Of what the NameNode tells this user of directories; None where nobody tells who he is to it."""
        try:
            return domain_name(f"hdfs-{self.authority}@{hadoop_user.short_name(user, properties)}+listings")
        except BadOption as unknown:
            _logger.debug("listings of %s are not kept: %s", self.authority, unknown)
            return None

    def open(self, path: str) -> OriginReader:
        try:
            return _Reader(path, self._ask(self._blind.read, path, self._patience[False]), encrypted=False)
        except OSError as error:
            if ZONE not in str(error) or self._blind is self._client:
                raise
        return _Reader(path, self._ask(self._client.read, path, self._patience[False]), encrypted=True)

    def _ask(self, call: Callable[[str], Any], path: str, seconds: float) -> Any:
        try:
            return self._answers.ask(lambda: call(path), seconds)
        except OriginUnreachable as silent:
            raise OriginUnreachable(f"NameNode of {self.authority}: {silent.strerror}", path) from None

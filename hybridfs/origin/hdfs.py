"""HDFS through hdfs-native: high availability, Kerberos and wire encryption without a JVM."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.utils import stringify_path
from hdfs_native import Client, WriteOptions
from hdfs_native.fsspec import HdfsFileSystem

from hybridfs.layout import domain_name
from hybridfs.origin import hadoop_conf
from hybridfs.origin.base import OriginReader, Status, short_read

# hdfs-native waits 60 s for a silent DataNode and retries a NameNode that is down for minutes.
_PATIENCE = {
    "dfs.client.socket-timeout": "10000",
    "dfs.client.failover.max.attempts": "6",
    "dfs.client.failover.sleep.max.millis": "4000",
}
_JAVA_CLASS = re.compile(r"\b(?:[a-z]\w*\.)+([A-Z]\w+)")
_ERRORS: dict[str, tuple[type[OSError], int]] = {
    "AccessControlException": (PermissionError, errno.EACCES),
    "FileNotFoundException": (FileNotFoundError, errno.ENOENT),
    "FileAlreadyExistsException": (FileExistsError, errno.EEXIST),
    "ParentNotDirectoryException": (NotADirectoryError, errno.ENOTDIR),
    "PathIsNotDirectoryException": (NotADirectoryError, errno.ENOTDIR),
    "PathIsNotEmptyDirectoryException": (OSError, errno.ENOTEMPTY),
}
_SAFE_RANGE = 4 << 20  # larger single ranges cost page faults


def _translate(error: BaseException, path: str) -> OSError:
    """hdfs-native's RuntimeError as the builtin exception that the Java class in its text means."""
    text = str(error)
    for name in _JAVA_CLASS.findall(text):
        if name in _ERRORS:
            kind, number = _ERRORS[name]
            return kind(number, text, path)
    return OSError(errno.EIO, text, path)


def _translating(call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def translated(path: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return call(path, *args, **kwargs)
        except OSError as error:
            if error.errno is None:  # FileNotFoundError("...") as hdfs-native makes it
                number = {FileNotFoundError: errno.ENOENT, FileExistsError: errno.EEXIST}.get(type(error), errno.EIO)
                raise type(error)(number, str(error), path) from None
            raise
        except RuntimeError as error:
            raise _translate(error, path) from None
        except BaseException as error:
            if type(error).__name__ == "PanicException":  # a Rust panic is a BaseException
                raise _translate(error, path) from None
            raise

    return translated


class TranslatingClient:
    """A Client whose errors are builtin exceptions that name the path."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        call = _translating(getattr(self._client, name))
        setattr(self, name, call)
        return call

    def list_status(self, path: str, recursive: bool = False) -> Iterator[Any]:
        """A list: hdfs-native's iterator would raise later, untranslated."""
        statuses: list[Any] = _translating(lambda p: list(self._client.list_status(p, recursive)))(path)
        return iter(statuses)


class HdfsNamespace(HdfsFileSystem):
    """hdfs-native's own fsspec filesystem, with errors and corners as fsspec specifies them."""

    cachable = False

    def __init__(self, authority: str, config: dict[str, str]) -> None:
        AbstractFileSystem.__init__(self)  # not HdfsFileSystem's, which makes a client of its own
        self.host, _, port = authority.partition(":")
        self.port = int(port) if port else None
        self.client = TranslatingClient(Client(f"hdfs://{authority}", config))  # type: ignore[assignment]

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

    def __init__(self, path: str, inner: Any) -> None:
        self._path = path
        self._read = _translating(lambda _, offset, size: inner.read_range(offset, size))
        self.length = len(inner)

    def read_range(self, offset: int, size: int) -> bytes:
        if offset + size > self.length:
            raise short_read(self._path, offset, size, max(0, self.length - offset))
        pieces = [
            self._read(self._path, at, min(_SAFE_RANGE, offset + size - at))
            for at in range(offset, offset + size, _SAFE_RANGE)
        ]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class HdfsOrigin:
    """One HDFS as one user. The NameNode checks the permission at every ``open``."""

    def __init__(self, host: str | None = None, port: int | None = None, **config: Any) -> None:
        properties = hadoop_conf.load() | {key: str(value) for key, value in config.items()}
        self.authority = hadoop_conf.authority(host, port, properties)
        self.domain = domain_name(f"hdfs-{self.authority}")
        patience = {key: value for key, value in _PATIENCE.items() if key not in properties}
        given = {key: str(value) for key, value in config.items()}
        self.fs = HdfsNamespace(self.authority, patience | given)

    def uri(self, path: str) -> str:
        return f"hdfs://{self.authority}{_clean(path)}"

    def status(self, path: str) -> Status:
        found = self.fs.client.get_file_info(path)
        if found.isdir:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        return Status(found.length, str(found.modification_time), cacheable=found.modification_time > 0)

    def open(self, path: str) -> OriginReader:
        return _Reader(path, self.fs.client.read(path))


def _clean(path: str) -> str:
    return "/" + "/".join(part for part in path.split("/") if part)

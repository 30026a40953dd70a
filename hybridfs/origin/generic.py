"""Any fsspec filesystem as an origin, if it tells a version of its files."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import time
from typing import Any

import fsspec

from hybridfs.errors import BadOption
from hybridfs.layout import domain_name
from hybridfs.origin.answers import PATIENCE, Answers
from hybridfs.origin.base import OriginReader, Status, short_read
from hybridfs.origin.hadoop_user import local_user
from hybridfs.validator import file_validator

_VERSION_KEYS = frozenset(
    {"etag", "e_tag", "mtime", "modified", "lastmodified", "last_modified", "modificationtime"}
    | {"modification_time", "updated", "generation", "version_id", "versionid", "md5", "content_md5", "checksum"}
)
_ACCESS_KEYS = frozenset({"atime", "accesstime", "access_time", "accessed"})
_WEB_HDFS = ("webhdfs", "webHDFS", "swebhdfs")
_LOCAL = ("file", "memory")
_COARSE_CLOCK_NS = 20_000_000  # two changes within a tick of the kernel's clock may carry one time


class GenericOrigin:
    """One fsspec filesystem. Its users share nothing across options or local users."""

    def __init__(
        self, protocol: str, options: dict[str, Any], fs: Any = None, *, alone: bool = False, user: str = ""
    ) -> None:
        """``alone``: what is cached belongs to one user (authorize=fill), whom ``user`` names if the options do not."""
        self._protocol = protocol
        self._answers = Answers()
        self.fs = fs if fs is not None else fsspec.filesystem(protocol, **{"use_listings_cache": False, **options})
        described = [_seen_by(self.fs, protocol, options, by_token=alone and not user), os.geteuid()]
        if alone and (user or getattr(self.fs, "kerb", False)):
            described.append(_owner(user))
        fingerprint = hashlib.sha256(json.dumps(described, sort_keys=True, default=str).encode()).hexdigest()
        self.domain = domain_name(f"{protocol}-{fingerprint[:16]}")
        self.plaintext_domain = domain_name(f"{protocol}-{fingerprint[:16]}+plaintext")
        self.caller = _caller(self.fs, user)

    def uri(self, path: str) -> str:
        return str(self.fs.unstrip_protocol(path))

    def status(self, path: str, *, briefly: bool = False) -> Status:
        if self._protocol in _LOCAL:
            return self._status(path)
        return self._answers.ask(lambda: self._status(path), PATIENCE[briefly])

    def _status(self, path: str) -> Status:
        if self._protocol == "file":
            return _local_status(path)
        self.fs.invalidate_cache()  # of all, as the parent's listing answers, too
        info = self.fs.info(path)
        if info["type"] == "directory":
            raise IsADirectoryError(path)
        version = {key: str(value) for key, value in info.items() if key.lower() not in _ACCESS_KEYS}
        if self._protocol == "memory":
            version["modified"] = str(self.fs.modified(path))
        token = hashlib.sha256(json.dumps(version, sort_keys=True).encode()).hexdigest()[:32]
        known = any(key.lower() in _VERSION_KEYS for key in version)
        if info["size"] is None:
            raise OSError(errno.EOPNOTSUPP, f"{self._protocol} tells no length of it; read it without hybridfs", path)
        encrypted = bool(info.get("encBit"))  # WebHDFS tells of encryption zones
        validator = file_validator(int(info.get("fileId") or 0), str(info.get("owner") or ""))
        # But for WebHDFS, whose ticket may be another user's, a domain's blocks were all fetched by these options.
        guarded = self._protocol in _WEB_HDFS and not int(str(info.get("permission", "0")), 8) & stat.S_IROTH
        return Status(info["size"], token, validator, cacheable=known, encrypted=encrypted, guarded=guarded)

    def open(self, path: str) -> OriginReader:
        if self._protocol == "file":
            return _LocalReader(path)
        if self._protocol in _WEB_HDFS:
            self._answers.ask(lambda: self.fs._call("CHECKACCESS", path=path, fsaction="r--"), PATIENCE[False])
        return _RangeReader(self.fs, path)


def _seen_by(fs: Any, protocol: str, options: dict[str, Any], *, by_token: bool) -> Any:
    """What decides which files a filesystem shows, and to whom.

    Not WebHDFS's token, which is renewed: the NameNode is asked at each open who may read. ``by_token``: unless nothing
    else tells users apart.
    """
    left_out = {"token"} if protocol in _WEB_HDFS and not by_token else set()
    given = {name: value for name, value in (options or fs.storage_options).items() if name not in left_out}
    return given if options else [list(fs.storage_args), given]


def _caller(fs: Any, user: str) -> str:
    if getattr(fs, "kerb", False):
        return f"{user or '?'} (auth:KERBEROS)"
    return f"{getattr(fs, 'user', None) or user or local_user()} (auth:SIMPLE)"


def _owner(user: str) -> str:
    if not user:
        raise BadOption(
            "option user: authorize=fill needs the short name at the NameNode under Kerberos, as in user=alice"
        )
    return user


def _local_status(path: str) -> Status:
    found = os.stat(path)
    if os.path.isdir(path):
        raise IsADirectoryError(path)
    token = f"{found.st_ino}-{found.st_mtime_ns}-{found.st_ctime_ns}"
    settled = time.time_ns() - max(found.st_ctime_ns, found.st_mtime_ns) > _COARSE_CLOCK_NS
    return Status(found.st_size, token, cacheable=settled, guarded=False)


class _LocalReader:
    encrypted = False

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.length = -1

    def read_range(self, offset: int, size: int) -> bytes:
        data = os.pread(self._fd, size, offset)
        if len(data) != size:
            raise short_read(self._path, offset, size, len(data))
        return data

    def __del__(self) -> None:
        if hasattr(self, "_fd"):  # not if open() raised
            os.close(self._fd)


class _RangeReader:
    encrypted = None  # its status tells

    def __init__(self, fs: Any, path: str) -> None:
        self._fs = fs
        self._path = path
        self.length = -1

    def read_range(self, offset: int, size: int) -> bytes:
        data = bytes(self._fs.cat_file(self._path, start=offset, end=offset + size))
        if len(data) != size:
            raise short_read(self._path, offset, size, len(data))
        return data

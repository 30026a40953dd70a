"""The mutations of a file that hdfs-native can do, through the cache or past it."""

from __future__ import annotations

import time
from enum import IntEnum
from typing import Any

from hdfs_native import Client, WriteOptions

from hybridfs import HybridFileSystem
from tests.torture.content import Version

_RECOVERY_SECONDS = 30.0
_LEAST_SECONDS = 0.002  # between two modification times of a file, which HDFS keeps in milliseconds


class Kind(IntEnum):
    """What a mutation does; the numbers are the JVM's, too."""

    WRITE = 0
    APPEND = 1
    DELETE = 2
    RENAME = 3  # from the other file, over what is there
    TIMES = 4
    TRUNCATE = 5  # the JVM only


def mutate(
    kind: int, through: HybridFileSystem | Client, paths: tuple[str, str], before: Version, after: Version, mtime: int
) -> None:
    """Makes version ``after`` of the first path out of ``before``. Returns when it is finished at the NameNode."""
    time.sleep(_LEAST_SECONDS)
    if kind == Kind.WRITE:
        _write(through, paths[0], after.bytes_at(0, after.length))
    elif kind == Kind.APPEND:
        _append(through, paths[0], after.bytes_at(before.length, after.length - before.length))
    elif kind == Kind.DELETE:
        through.rm_file(paths[0]) if isinstance(through, HybridFileSystem) else through.delete(paths[0])
    elif kind == Kind.RENAME:
        client(through).rename(paths[1], paths[0], True)
    elif kind == Kind.TIMES:
        client(through).set_times(paths[0], mtime, mtime)
    else:
        raise ValueError(f"hdfs-native cannot do mutation {kind}")


def client(through: HybridFileSystem | Client) -> Any:
    """Plain HDFS, for what the file system has no call for."""
    return through.origin.fs.client if isinstance(through, HybridFileSystem) else through


def _write(through: HybridFileSystem | Client, path: str, data: bytes) -> None:
    if isinstance(through, HybridFileSystem):
        through.pipe_file(path, data)
        return
    with through.create(path, WriteOptions(overwrite=True)) as writer:
        writer.write(data)


def _append(through: HybridFileSystem | Client, path: str, data: bytes) -> None:
    give_up = time.monotonic() + _RECOVERY_SECONDS
    while True:
        try:
            writer = through.open(path, "ab") if isinstance(through, HybridFileSystem) else through.append(path)
            break
        except (OSError, RuntimeError):  # the lease of the one before is being recovered
            if time.monotonic() > give_up:
                raise
            time.sleep(0.02)
    with writer:
        writer.write(data)

"""A Python process that reads through the cache and, beside it, by plain hdfs-native: `readers_python.py JSON`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from hdfs_native import Client

import hybridfs
from hybridfs import HybridFileSystem
from tests.python.support import settle_process
from tests.security.readers_serve import attempt, serve

_VERDICTS = {PermissionError: "denied", FileNotFoundError: "missing"}


def _of_cached(error: Exception) -> str:
    return _VERDICTS.get(type(error), "failed")


def _of_plain(error: Exception) -> str:
    text = f"{type(error).__name__} {error}"
    found = (name for key, name in (("AccessControlException", "denied"), ("FileNotFound", "missing")) if key in text)
    return next(found, "failed")


class Reader:
    """One user's reads of one HDFS through one root."""

    def __init__(self, authority: str, options: dict[str, Any]) -> None:
        self._authority = authority
        self._options = options
        self._plain = Client(f"hdfs://{authority}", {})
        self.freshness(options.get("freshness", "0"))

    def freshness(self, value: str | None) -> None:
        """Of what is opened from now on; None: the default."""
        self._now = self._made({"freshness": value})

    def _made(self, changed: dict[str, Any]) -> HybridFileSystem:
        host, _, port = self._authority.partition(":")
        where = {"host": host, "port": int(port)} if port else {"host": host}
        options = {key: value for key, value in (self._options | changed).items() if value is not None}
        return HybridFileSystem(**where, **options, skip_instance_cache=True)

    def put(self, path: str, source: str) -> None:
        with open(source, "rb") as local, self._now.open(path, "wb") as target:
            target.write(local.read())

    def read(self, path: str, ways: Sequence[str] = ()) -> dict[str, Any]:
        """What each of the ways of opening gave."""
        return {way: attempt(lambda way=way: self._ways[way](self, path), _of_cached) for way in ways or self._ways}

    def read_with(self, path: str, options: dict[str, Any]) -> dict[str, Any]:
        """What a file system of its own with other options gives."""
        return attempt(lambda: bytes(self._made(options).cat_file(path)), _of_cached)

    def plain(self, path: str) -> dict[str, Any]:
        """What HDFS says without the cache."""
        return attempt(lambda: self._plainly(path), _of_plain)

    def _plainly(self, path: str) -> bytes:
        reader = self._plain.read(path)
        return bytes(reader.read_range(0, len(reader)))

    def _open(self, path: str) -> bytes:
        with self._now.open(path, "rb") as file:
            return bytes(file.read())

    def _cat_file(self, path: str) -> bytes:
        return bytes(self._now.cat_file(path))

    def _cat_ranges(self, path: str) -> bytes:
        return b"".join(map(bytes, self._now.cat_ranges([path], [0], [None], on_error="raise")))

    _ways: ClassVar[dict[str, Callable[[Reader, str], bytes]]] = {
        "open": _open,
        "cat_file": _cat_file,
        "cat_ranges": _cat_ranges,
    }


def main(authority: str, options: dict[str, Any]) -> None:
    reader = Reader(authority, options)
    serve(
        {
            "freshness": reader.freshness,
            "put": reader.put,
            "read": reader.read,
            "read_with": reader.read_with,
            "plain": reader.plain,
            "stats": hybridfs.stats,
            "settle": settle_process,
        }
    )


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))

"""What fsspec asks of directories: of HDFS by its listings, of others by the origin itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fsspec.implementations.chained import ChainedFileSystem

from hybridfs.layout import clean

if TYPE_CHECKING:
    from hybridfs.listing.listings import Listings
    from hybridfs.origin.base import Origin

_SCAN = "_hybridfs_scan"  # travels to `ls` among the arguments that fsspec's `walk` passes on


class DirectoriesFileSystem(ChainedFileSystem):  # type: ignore[misc]  # fsspec has no types
    """The methods that list, and those that tell of one path. ``_listings``: None of an origin that has no such."""

    @property
    def origin(self) -> Origin:
        raise NotImplementedError

    @property
    def _listings(self) -> Listings | None:
        raise NotImplementedError

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        path, listings = self._strip_protocol(path), self._listings
        return listings.info(path) if listings else dict(self.origin.fs.info(path, **kwargs))

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """``refresh=True``: as the origin has it, whatever the option ``listings`` says."""
        path = self._strip_protocol(path)
        listings, scan = kwargs.pop(_SCAN, None) or (self._listings, None)
        if scan and scan.is_inherited:  # who walked when the process forked walks on without
            listings, scan = self._listings, None
        if listings is None:
            return list(self.origin.fs.ls(path, detail=detail, **kwargs))
        infos = listings.ls(path, scan, refresh=bool(kwargs.get("refresh")))
        return infos if detail else [info["name"] for info in infos]

    def modified(self, path: str) -> Any:
        path, listings = self._strip_protocol(path), self._listings
        if listings is None:
            return self.origin.fs.modified(path)
        return datetime.fromtimestamp(listings.info(path)["mtime"], tz=UTC)

    def walk(
        self, path: str, maxdepth: int | None = None, topdown: bool = True, on_error: Any = "omit", **kwargs: Any
    ) -> Iterator[tuple[str, Any, Any]]:
        """As fsspec's; directories of HDFS are listed ahead. A pause of the caller's over 1 s begins it anew."""
        listings = None if _SCAN in kwargs else self._listings
        if listings is None:
            yield from super().walk(path, maxdepth, topdown, on_error, **kwargs)
            return
        with listings.scan(maxdepth, whole=False) as scan:
            yield from super().walk(path, maxdepth, topdown, on_error, **kwargs, **{_SCAN: (listings, scan)})

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **kwargs: Any
    ) -> Any:
        """As fsspec's; directories of HDFS are listed many at a time."""
        path, listings = self._strip_protocol(path), self._listings
        if listings is None:
            return super().find(path, maxdepth, withdirs, detail, **kwargs)
        with listings.scan(maxdepth, whole=True) as scan:
            if scan and (maxdepth is None or maxdepth > 0):
                scan.begin(clean(path))  # while its own status is asked for
            found = self._find(path, maxdepth, withdirs, **kwargs, **{_SCAN: (listings, scan)})
        return {name: found[name] for name in sorted(found)} if detail else sorted(found)

    def _find(self, path: str, maxdepth: int | None, withdirs: bool, **passed_on: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        top = self._info_of_directory(path) if withdirs and path else None
        if top:
            found[path] = top
        for _, directories, files in self.walk(path, maxdepth, **passed_on | {"detail": True}):
            shown = {**files, **directories} if withdirs else files
            found.update((info["name"], info) for info in shown.values())
        if not found and self.isfile(path):
            found[path] = {}
        return found

    def _info_of_directory(self, path: str) -> dict[str, Any] | None:
        try:
            info = self.info(path)
        except OSError:
            return None
        return info if info["type"] == "directory" else None

    def du(
        self, path: str, total: bool = True, maxdepth: int | None = None, withdirs: bool = False, **kwargs: Any
    ) -> Any:
        """As fsspec's, by one scan of HDFS: it asks for no file by itself."""
        if self._listings is None:
            return super().du(path, total, maxdepth, withdirs, **kwargs)
        found = self.find(path, maxdepth=maxdepth, withdirs=withdirs, detail=True, **kwargs)
        sizes = {name: (info or self.info(name))["size"] for name, info in found.items()}
        return sum(sizes.values()) if total else sizes

    def explain_listing(self, path: str) -> dict[str, Any] | None:
        """How a directory's listing, or a status, was answered the last time in this process; None if it was not.

        A dict of ``mode``; ``source``: origin, entry or prefetched; ``age``: seconds since the NameNode was asked;
        ``rpcs``: its answers that were awaited; ``rpcs_plain``: those of plain HDFS; ``when``: seconds since the epoch.
        """
        listings = self._listings
        return listings.explain(self._strip_protocol(path)) if listings else None

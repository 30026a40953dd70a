"""The fsspec filesystem: reads go through the cache, everything else to the origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import Any, ClassVar
from urllib.parse import urlsplit

from fsspec.utils import stringify_path

from hybridfs import config, runtime
from hybridfs.directories import DirectoriesFileSystem
from hybridfs.errors import BadOption
from hybridfs.file import HybridFile, PassThroughWriter, ThreadedFile
from hybridfs.listing.listings import Listings
from hybridfs.origin import identity_of_caller, kerberos
from hybridfs.origin.base import Origin
from hybridfs.stream import Stream

_CONCURRENT_FILES = 16
_PREFIX = "hybridfs://"


class HybridFileSystem(DirectoriesFileSystem):
    """A cache over HDFS, or over any fsspec filesystem, used by URL.

    ``hybridfs://namenode:8020/path``, ``hybridfs://nameservice/path`` and ``hybridfs::hdfs://…`` are HDFS;
    ``hybridfs::file:///path``, ``hybridfs::webhdfs://…``, ``hybridfs::swebhdfs://…`` (TLS, with the option ``ca_file``
    for a private CA) and so on any other.

    Parameters
    ----------
    host, port: the NameNode or nameservice, as the URL names it; default: ``fs.defaultFS``.
    target_protocol, target_options: another origin, as fsspec names it. Options of HDFS are Hadoop client properties.
    fs: an origin that exists already.
    kerberos_principal: for HDFS, who reads, with kerberos_keytab or kerberos_cache (paths); default: the ticket that
        kinit left (KRB5CCNAME). Where HADOOP_TOKEN_FILE_LOCATION names a file of tokens, these are used first.
    options: of the cache, see ``hybridfs.config.OPTIONS``. An unknown one raises BadOption (a ValueError).
    """

    protocol: ClassVar[str] = "hybridfs"
    root_marker = "/"
    _strip_tokenize_options = ("fo",)
    _file_class = HybridFile

    def __init__(
        self,
        host: str | None = None,
        port: int | None = None,
        *,
        target_protocol: str | None = None,
        target_options: dict[str, Any] | None = None,
        fs: Any = None,
        fo: str | None = None,
        kerberos_principal: str | None = None,
        kerberos_keytab: str | None = None,
        kerberos_cache: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if fs is not None and target_protocol is not None:
            raise BadOption("options fs and target_protocol exclude each other; give one")
        values = (kerberos_principal, kerberos_keytab, kerberos_cache)
        credentials = {name: str(value) for name, value in zip(kerberos.OPTIONS, values, strict=True) if value}
        self._settings = config.settings(**options)
        if fs is not None:
            protocol = fs.protocol if isinstance(fs.protocol, str) else fs.protocol[0]
        else:
            protocol = target_protocol or "hdfs"
        self._target = ("file" if protocol == "local" else protocol, dict(target_options or {}), fs)
        self._is_hdfs = self._target[0] == "hdfs" and fs is None
        if self._is_hdfs and host:
            self._target[1].update(host=host, port=port)
        if credentials and not self._is_hdfs:
            raise BadOption(f"option {next(iter(credentials))} is for HDFS; give {protocol} its own in target_options")
        self._target[1].update(credentials)
        self._opened: tuple[object, Origin] | None = None
        self._strip_protocol = self._strip  # type: ignore[method-assign]  # knows the origin, as the class cannot

    # ---- origin and engine of this process

    @property
    def origin(self) -> Origin:
        """The origin, made anew in a child after a fork, and where the environment names another user than before."""
        caller = identity_of_caller()
        if self._opened is None or self._opened[0] != caller:
            self._opened = (caller, runtime.current().origin(*self._target, self._settings))
        return self._opened[1]

    def _stream(self, path: str) -> Stream:
        now, origin = runtime.current(), self.origin  # once: the grants must be of the origin that is asked
        grants, listings = now.grants(origin, self._settings.freshness), now.listings(origin, self._settings)
        return now.engine(self._settings).open(origin, grants, path, listings)

    @property
    def _listings(self) -> Listings | None:
        return runtime.current().listings(self.origin, self._settings)

    @contextmanager
    def _changing(self, *paths: str, makes_parents: bool = False) -> Iterator[None]:
        """While what is at these paths, or below them, is changed: what was known of it before is used no more."""
        with ExitStack() as stack:
            for path in paths:
                stack.callback(self._begin_change(path, makes_parents=makes_parents))
            yield

    def _begin_change(self, path: str, *, makes_parents: bool) -> Callable[[], None]:
        """Returns what is to be called when the change has ended."""
        grants, listings = runtime.current().grants(self.origin, self._settings.freshness), self._listings
        grants.drop(path)
        end = listings.begin_change(path, makes_parents=makes_parents) if listings else _nothing

        def ended() -> None:
            grants.drop(path)
            end()

        return ended

    # ---- paths

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        path = stringify_path(path)
        if path.startswith(_PREFIX):
            path = "/" + path[len(_PREFIX) :].partition("/")[2] if path != _PREFIX else ""
        return path.rstrip("/") or ("/" if path else "")

    def _strip(self, path: Any) -> Any:
        if isinstance(path, list):
            return [self._strip(one) for one in path]
        path = stringify_path(path).removeprefix("hybridfs::")  # of unstrip_protocol; DuckDB hands it back
        if path.startswith(_PREFIX):
            return type(self)._strip_protocol(path)
        if path.startswith("/") and self._is_hdfs:
            return path.rstrip("/") or "/"
        return self.origin.fs._strip_protocol(path)

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> dict[str, Any]:
        if not path.startswith(_PREFIX) or path == _PREFIX:
            return {}
        parts = urlsplit(path)
        try:
            port = parts.port
        except ValueError:
            raise BadOption(f"{path!r} has no valid port; write it like hybridfs://namenode:8020/path") from None
        host = parts.netloc.rpartition("@")[2].partition(":")[0]
        return ({"host": host} if host else {}) | ({"port": port} if port else {})

    def unstrip_protocol(self, name: str) -> str:
        """A URL that opens the same file with fsspec (``hybridfs::…`` for an origin that is not HDFS)."""
        url = self.origin.uri(self._strip_protocol(name))
        return "hybridfs://" + url[len("hdfs://") :] if url.startswith("hdfs://") else f"hybridfs::{url}"

    @property
    def fsid(self) -> str:
        return f"hybridfs-{self.origin.domain}"

    # ---- reading

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if mode == "rb":
            return self._file_class(self, path, lambda: self._stream(path), lambda: self.info(path))
        for ignored in ("block_size", "cache_options"):  # fsspec's, of its own buffers
            options.pop(ignored, None)
        create = getattr(self.origin.fs, "create", self.origin.fs.open)
        ended = self._begin_change(path, makes_parents=True)
        try:
            return PassThroughWriter(create(path, mode, **options), ended)
        except BaseException:
            ended()
            raise

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        with self.open(path) as file:
            begin, stop, _ = slice(start, end).indices(file.size)
            return bytes(file.pread(begin, stop - begin))

    def cat_ranges(
        self,
        paths: list[str],
        starts: list[int] | int | None,
        ends: list[int] | int | None,
        max_gap: int | None = None,
        on_error: str = "return",
        **kwargs: Any,
    ) -> list[Any]:
        """The bytes of one range a path, each file opened once, what misses coalesced and fetched in parallel."""
        starts = list(starts) if isinstance(starts, (list, tuple)) else [starts] * len(paths)  # type: ignore[list-item]
        ends = list(ends) if isinstance(ends, (list, tuple)) else [ends] * len(paths)  # type: ignore[list-item]
        if not len(paths) == len(starts) == len(ends):
            raise ValueError("paths, starts and ends must be of one length")
        places: dict[str, list[int]] = {}
        for place, path in enumerate(paths):
            places.setdefault(self._strip_protocol(path), []).append(place)
        results: list[Any] = [None] * len(paths)

        def read(path: str) -> None:
            wanted = places[path]
            try:
                with closing(self._stream(path)) as stream:
                    ranges = [slice(starts[place], ends[place]).indices(stream.length)[:2] for place in wanted]
                    found: Sequence[Any] = stream.read_ranges([(low, max(low, high)) for low, high in ranges])
            except Exception as error:
                if on_error == "raise":
                    raise
                found = [error] * len(wanted)
            for place, one in zip(wanted, found, strict=True):
                results[place] = one

        with ThreadPoolExecutor(max(1, min(_CONCURRENT_FILES, len(places)))) as pool:
            list(pool.map(read, places))
        return results

    def ukey(self, path: str) -> str:
        """Changes whenever the file's bytes do."""
        path = self._strip_protocol(path)
        status = self.origin.status(path)
        return f"{self.origin.domain}:{self.origin.uri(path)}:{status.token}:{status.length}"

    # ---- what the origin answers

    def created(self, path: str) -> Any:
        return self.origin.fs.created(self._strip_protocol(path))

    def invalidate_cache(self, path: str | None = None) -> None:
        self.origin.fs.invalidate_cache(path)

    # ---- changes: to the origin, then nothing that was known of the path is reused

    def _change(self, call: Callable[..., Any], *paths: str, makes_parents: bool = False, **options: Any) -> Any:
        paths = tuple(self._strip_protocol(path) for path in paths)
        with self._changing(*paths, makes_parents=makes_parents):
            return call(*paths, **options)

    def mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        self._change(self.origin.fs.mkdir, path, makes_parents=True, create_parents=create_parents, **kwargs)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        self._change(self.origin.fs.makedirs, path, makes_parents=True, exist_ok=exist_ok)

    def rmdir(self, path: str) -> None:
        self._change(self.origin.fs.rmdir, path)

    def rm_file(self, path: str) -> None:
        self._change(self.origin.fs.rm_file, path)

    _rm = rm_file

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
        if maxdepth is not None or _is_pattern(path):
            super().rm(path, recursive, maxdepth)
            return
        for one in [path] if isinstance(path, str) else path:
            self._change(self.origin.fs.rm, one, recursive=recursive)

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        path1, path2 = self._strip_protocol(path1), self._strip_protocol(path2)
        if self.isdir(path1):
            self.makedirs(path2, exist_ok=True)
            return
        with self.open(path1, "rb") as source, self.open(path2, "wb") as target:
            while data := source.read(self.blocksize):
                target.write(data)

    def mv(self, path1: str, path2: str, recursive: bool = False, maxdepth: int | None = None, **kwargs: Any) -> None:
        self._change(self.origin.fs.mv, path1, path2, recursive=recursive, maxdepth=maxdepth, **kwargs)

    def touch(self, path: str, truncate: bool = True, **kwargs: Any) -> None:
        self._change(self.origin.fs.touch, path, makes_parents=True, truncate=truncate, **kwargs)

    def sign(self, path: str, expiration: int = 100, **kwargs: Any) -> Any:
        return self.origin.fs.sign(self._strip_protocol(path), expiration, **kwargs)


def _nothing() -> None:
    return


def _is_pattern(path: Any) -> bool:
    return isinstance(path, str) and any(character in path for character in "*?[")


class DuckDBFileSystem(HybridFileSystem):
    """For ``register_filesystem`` of DuckDB, whose threads share one file object, and each seeks and reads in it."""

    _file_class = ThreadedFile

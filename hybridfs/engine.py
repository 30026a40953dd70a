"""The cache of one process: what its streams share, and how a file is opened."""

from __future__ import annotations

import errno
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor

from hybridfs.admission import Admission
from hybridfs.config import Settings
from hybridfs.fetching import Fetcher
from hybridfs.fills import open_fills
from hybridfs.grants import Grants
from hybridfs.layout import Identity
from hybridfs.locks import LockFile, ThreadLocks
from hybridfs.open_blocks import OpenBlocks
from hybridfs.origin.base import Origin, OriginReader, Status
from hybridfs.pinning import PinnedVersion
from hybridfs.stats import Miss, Stats
from hybridfs.store import NoStore, Store, open_store
from hybridfs.stream import OriginFile, Stream
from hybridfs.tier import REST_SECONDS

_OPENERS = 8
_RECOVERY_SECONDS = 15.0


class Engine:
    """One store as one process uses it. Thread-safe; never crosses a fork or a pickle."""

    def __init__(self, settings: Settings, stats: Stats, *, again: bool = False) -> None:
        self._settings = settings
        self._stats = stats
        self._opened_at = time.monotonic()
        self.store = open_store(settings, stats, logging.DEBUG if again else logging.WARNING)
        self._flights = self._open_flights()
        self._openers = ThreadPoolExecutor(_OPENERS, "hybridfs-open")
        run = max(1, settings.fetch_size // self.store.block_size)
        pool = ThreadPoolExecutor(settings.fetch_streams, "hybridfs-fetch")
        root = self.store.root if isinstance(self.store, Store) else None
        self._fetcher = Fetcher(
            self.store,
            self._flights,
            open_fills(settings.fill_limit, settings.application, root, stats),
            pool,
            stats,
            patience=settings.lock_timeout,
            longest_run=run,
        )
        self._blocks = OpenBlocks(self.store, settings.map_budget)
        self._no_blocks = OpenBlocks(NoStore(), settings.map_budget)  # of files that are passed through
        self._admission = Admission(settings)

    def _open_flights(self) -> ThreadLocks:
        if not isinstance(self.store, Store):
            return ThreadLocks()
        try:
            return LockFile(self.store.lock_path, self.store.root.modes.file)
        except OSError:
            return ThreadLocks()  # a read-only root: single flight between threads, at least

    @property
    def deserves_another(self) -> bool:
        """Whether its root could not be used when it was opened, a while ago: another engine may find it mended."""
        hopeless = self._settings.enabled and isinstance(self.store, NoStore)
        return hopeless and time.monotonic() >= self._opened_at + REST_SECONDS

    @property
    def switched_off(self) -> bool:
        """Whether what is opened now is passed through: in this session, or on this host (FORMAT.md section 8)."""
        if not isinstance(self.store, Store):
            return not self._settings.enabled
        return os.path.lexists(os.path.join(self.store.root.path, "disabled"))

    def open(self, origin: Origin, grants: Grants, path: str) -> Stream:
        """Opens a file: asks for its version and, unless a fresh grant stands, for the permission, side by side.

        Raises what the origin raises.
        """
        self._stats.add("opens")
        switched_off = self.switched_off
        try:
            status, reader = self._ask(origin, grants, path)
        except PermissionError:
            self._stats.miss(Miss.DENIED)
            raise
        unfinished = reader is not None and reader.length > status.length
        refusal = Miss.DISABLED if switched_off else self._admission.refusal(path, status, unfinished=unfinished)
        if refusal:
            self._stats.miss(refusal)
        length = reader.length if reader and unfinished else status.length
        # Who writes a file of HDFS only adds to it: what was there at the open is read, and nobody is asked.
        ask = (lambda _: status) if unfinished else origin.status
        return Stream(
            Identity(origin.domain, origin.uri(path), status.token, length),
            OriginFile(origin, PinnedVersion(path, status, ask), length, reader, replaceable=not unfinished),
            self._no_blocks if refusal else self._blocks,
            self._fetcher,
            self._stats,
            block_size=self.store.block_size,
            readahead=self._settings.readahead,
            admitted=refusal is None,
        )

    def _ask(self, origin: Origin, grants: Grants, path: str) -> tuple[Status, OriginReader | None]:
        """The version to read, and a reader if it was opened after that was known. Raises what the origin raises."""
        granted = grants.get(path)
        asked_at = time.monotonic()
        opening = None if granted else self._openers.submit(origin.open, path)
        status = origin.status(path)
        if granted and granted.same_version(status):
            self._stats.add("grants_reused")
            return status, None
        permitted = opening.result() if opening else origin.open(path)
        # Opened beside the status it may be of an older version: then it shows the permission, and is not read from.
        reader = None if opening else permitted
        if 0 <= permitted.length != status.length:  # replaced between the two answers, or still being written
            status, permitted = _reopen(origin, path)
            reader = permitted if permitted.length > status.length else None
        if permitted.length <= status.length:  # a grant would hide what is flushed to a file that is being written
            grants.put(path, status, asked_at)
        return status, reader

    def abandon(self) -> None:
        """In a child after a fork: closes the descriptors that it inherited."""
        self._flights.close()
        self.store.abandon()
        self._blocks.abandon()


class _Unreadable(OSError):
    """The origin gives fewer bytes than the file has."""


def _reopen(origin: Origin, path: str) -> tuple[Status, OriginReader]:
    """A reader, and a status asked for after it. If it reads more than the status says, the file is being written.

    If it reads less, the end of the file is being recovered (a truncate, a writer that died): waits a little.
    """
    import stamina

    for attempt in stamina.retry_context(on=_Unreadable, attempts=None, timeout=_RECOVERY_SECONDS, wait_max=1.0):
        with attempt:
            reader = origin.open(path)
            status = origin.status(path)
            if reader.length < status.length:
                text = f"only {reader.length} of {status.length} bytes can be read while its end is being recovered"
                raise _Unreadable(errno.EAGAIN, f"{text}; try again", path)
    return status, reader

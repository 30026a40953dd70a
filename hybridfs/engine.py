"""The cache of one process: what its streams share, and how a file is opened."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from hybridfs.admission import Admission
from hybridfs.audit import UNWATCHED, Audit
from hybridfs.config import Settings
from hybridfs.fetching import Fetcher
from hybridfs.fills import open_fills
from hybridfs.grants import Grants
from hybridfs.layout import Identity
from hybridfs.listing.barrier import Barrier
from hybridfs.listing.entries import Entries
from hybridfs.listing.keeper import Keeper
from hybridfs.listing.listings import Listings
from hybridfs.listing.namespace import Namespace
from hybridfs.locks import LockFile, ThreadLocks
from hybridfs.open_blocks import OpenBlocks
from hybridfs.opening import Opened, Opener
from hybridfs.origin.base import Origin, Status, hdfs_status
from hybridfs.pinning import PinnedVersion
from hybridfs.stats import Miss, Stats
from hybridfs.store import NoStore, Store, open_store
from hybridfs.stream import OriginFile, Stream
from hybridfs.tier import REST_SECONDS, logger


class Engine:
    """One store as one process uses it. Thread-safe; never crosses a fork or a pickle."""

    def __init__(self, settings: Settings, stats: Stats, *, again: bool = False) -> None:
        self._settings = settings
        self._stats = stats
        self._opened_at = time.monotonic()
        self.store = open_store(settings, stats, logging.DEBUG if again else logging.WARNING)
        self._flights = self._open_flights()
        self._opener = Opener(stats, self._held if settings.authorize == "fill" else None)
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
        self._plaintext = _Plaintext(settings, self.store)
        self._keeper = Keeper()
        self._listings: dict[int, Listings | None] = {}
        self._lock = threading.Lock()
        self._audit = Audit(settings.audit, root.modes.file if root else 0o600, stats)

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

    def open(self, origin: Origin, grants: Grants, path: str, listings: Listings | None = None) -> Stream:
        """Opens a file as far as the origin allows. Raises what the origin raises.

        ``listings``: the origin's, where there are some.
        """
        forget = partial(_forget, grants, listings, path)
        self._stats.add("opens")
        switched_off = self.switched_off
        try:
            opened = self._opener.open(origin, grants, path, partial(_shown, listings) if listings else None)
        except FileNotFoundError:
            forget()
            raise
        except PermissionError:
            self._stats.miss(Miss.DENIED)
            self._audit.opened(origin.caller, path, allowed=False)
            raise
        self._audit.opened(origin.caller, path, allowed=True)
        refusal = Miss.DISABLED if switched_off else self._refusal(path, opened)
        if refusal:
            self._stats.miss(refusal)
        return self._stream(origin, path, opened, refusal, forget)

    def _refusal(self, path: str, opened: Opened) -> Miss | None:
        status = opened.status
        if status.encrypted and self._plaintext.kept_for(path):
            status = replace(status, encrypted=False)
        return self._admission.refusal(path, status, unfinished=opened.unfinished)

    def _stream(
        self, origin: Origin, path: str, opened: Opened, refusal: Miss | None, forget: Callable[[], None]
    ) -> Stream:
        status, reader = opened.status, opened.reader
        length = reader.length if reader and opened.unfinished else status.length
        # Who writes a file of HDFS only adds to it: what was there at the open is read, and nobody is asked.
        ask = (lambda _: status) if opened.unfinished else origin.status
        pinned = PinnedVersion(path, status, ask, forget)
        return Stream(
            _identity(origin, path, status, length),
            OriginFile(origin, pinned, length, reader, opened.unproven, replaceable=not opened.unfinished),
            self._no_blocks if refusal else self._blocks,
            self._fetcher,
            self._stats,
            UNWATCHED if refusal else self._audit.watch(origin.caller, path),
            block_size=self.store.block_size,
            readahead=self._settings.readahead,
            admitted=refusal is None,
        )

    def _held(self, origin: Origin, path: str, status: Status) -> Status | None:
        """The status, if the first block of the version is cached, in the domain of plain or of decrypted files."""
        if self.switched_off or not status.length:
            return None
        for encrypted in (False, True) if self._plaintext.kept else (False,):
            found = replace(status, encrypted=encrypted or status.encrypted)
            if self.store.holds(_identity(origin, path, found, status.length), 0):
                return found
        return None

    def listings(self, origin: Origin, barrier: Callable[[str], Barrier]) -> Listings | None:
        """Who answers for the origin's directories; None where the origin itself does.

        ``barrier`` gives that of an HDFS by its authority.
        """
        key = id(origin)
        if key not in self._listings:  # it stays: the runtime keeps its origins
            with self._lock:
                self._listings[key] = self._new_listings(origin, barrier) if isinstance(origin, Namespace) else None
        return self._listings[key]

    def _new_listings(self, origin: Namespace, barriers: Callable[[str], Barrier]) -> Listings:
        entries, barrier = None, barriers(origin.authority)
        if isinstance(self.store, Store) and origin.listing_domain:
            entries = Entries(self.store, self._keeper, barrier, origin.listing_domain, origin.authority)
        return Listings(origin, entries, barrier, self._stats, self._settings.freshness, self._listing_mode)

    def _listing_mode(self) -> str:
        return "origin" if self.switched_off else self._settings.listings

    def abandon(self) -> None:
        """In a child after a fork: closes the descriptors that it inherited."""
        self._flights.close()
        self.store.abandon()
        self._blocks.abandon()


def _shown(listings: Listings, path: str, asked_after: float) -> Status | None:
    """The file as a kept listing of its directory shows it, where the mode lets that stand for the NameNode's word."""
    found = listings.kept_status(path, asked_after)
    return found and hdfs_status(found.length, found.modified, found.owner, found.permission, found.file_id)


def _forget(grants: Grants, listings: Listings | None, path: str) -> None:
    """What the origin denies is not reused: who tries again sees the truth."""
    grants.refuse(path)
    if listings:
        listings.forget(path)


def _identity(origin: Origin, path: str, status: Status, length: int) -> Identity:
    domain = origin.plaintext_domain if status.encrypted else origin.domain
    return Identity(domain, origin.uri(path), status.token, length)


class _Plaintext:
    """Whether what encryption zones hide may be kept here (cache_encrypted), which is told once if not."""

    def __init__(self, settings: Settings, store: Store | NoStore) -> None:
        self._wanted = settings.cache_encrypted
        self.kept = self._wanted and isinstance(store, Store) and store.private
        self._told = False

    def kept_for(self, path: str) -> bool:
        if self._wanted and not self.kept and not self._told:
            self._told = True
            logger.warning("option cache_encrypted: the cache is not private (mode 0700); %s is passed through", path)
        return self.kept

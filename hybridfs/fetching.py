"""Bringing missing blocks from the origin: coalesced, in parallel, once for all threads and processes of a host."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from types import MappingProxyType

from hybridfs.audit import Usage
from hybridfs.blocks import Block, FetchedBlock
from hybridfs.errors import FileChanged
from hybridfs.fills import Fills
from hybridfs.layout import Identity, flight_offset
from hybridfs.locks import ThreadLocks
from hybridfs.origin.base import OriginReader
from hybridfs.pinning import PinnedVersion
from hybridfs.stats import Miss, Stats, most_telling
from hybridfs.store import NoStore, Store

_POLL_SECONDS = (0.005, 0.05)

_NOTHING: Mapping[int, Miss] = MappingProxyType({})


class Fetched(Future[Block]):
    """A block that is being fetched, and why."""

    def __init__(self, reason: Miss) -> None:
        super().__init__()
        self.reason = reason

    def missed(self, reason: Miss) -> None:
        self.reason = most_telling(self.reason, reason)


def coalesce(blocks: Iterable[int], longest: int) -> list[list[int]]:
    """Runs of consecutive blocks, none longer than ``longest``; ``blocks`` in ascending order."""
    ordered = list(blocks)
    runs = [ordered[:1]] if ordered else []
    for before, block in pairwise(ordered):
        if block == before + 1 and len(runs[-1]) < longest:
            runs[-1].append(block)
        else:
            runs.append([block])
    return runs


@dataclass(frozen=True)
class Source:
    """What a run is fetched from: one version of a file, through one open reader of it.

    What is not ``admitted`` is passed through: it is neither looked up nor published, and counts as no miss.
    """

    identity: Identity
    reader: OriginReader
    pinned: PinnedVersion
    usage: Usage
    admitted: bool


class Fetcher:
    """Fetches runs of blocks in a bounded pool of threads and publishes them."""

    def __init__(
        self,
        store: Store | NoStore,
        flights: ThreadLocks,
        fills: Fills,
        pool: ThreadPoolExecutor,
        stats: Stats,
        *,
        patience: float,
        longest_run: int,
    ) -> None:
        self._store = store
        self._flights = flights
        self._fills = fills
        self._pool = pool
        self._stats = stats
        self._patience = patience
        self._longest = longest_run

    def fetch(self, source: Source, blocks: Iterable[int], why: Mapping[int, Miss] = _NOTHING) -> dict[int, Fetched]:
        """Starts fetching; each block's future is set as soon as its bytes may be delivered.

        ``why``: what is known of why some of them are missing.
        """
        futures: dict[int, Fetched] = {}
        for run in coalesce(blocks, self._longest):
            mine = {block: Fetched(why.get(block, Miss.COLD)) for block in run}
            futures |= mine
            self._pool.submit(self._run, source, mine)
        return futures

    def fetch_one(self, source: Source, block: int, reason: Miss) -> FetchedBlock:
        """A block at once, past a cache or a reader that failed; it is not published."""
        data = self._read(source, [block])
        self._count(source, reason)
        return FetchedBlock(data)

    def _run(self, source: Source, wanted: dict[int, Fetched]) -> None:
        try:
            if not source.admitted:
                self._bring(source, list(wanted), wanted)
            elif self._store.closed or self._fills.spent(self._least(source, wanted)):
                self._fetch_missing(source, list(wanted), wanted)  # nobody has to wait for what is not published
            else:
                self._fetch_claimable(source, wanted)
                self._await_others(source, wanted)
        except BaseException as error:
            for future in wanted.values():
                if not future.done():
                    future.set_exception(error)

    def _least(self, source: Source, wanted: dict[int, Fetched]) -> int:
        return min(source.identity.block_length(block, self._store.block_size) for block in wanted)

    def _fetch_claimable(self, source: Source, wanted: dict[int, Fetched]) -> None:
        """Fetches the blocks that nobody else is fetching now."""
        claimed = [block for block in wanted if not wanted[block].done() and self._claim(source, block)]
        try:
            self._fetch_missing(source, claimed, wanted)
        finally:
            for block in claimed:
                self._flights.release(self._offset(source, block))

    def _fetch_missing(self, source: Source, blocks: list[int], wanted: dict[int, Fetched]) -> None:
        missing = [block for block in blocks if not self._deliver_cached(source, block, wanted[block])]
        for run in coalesce(missing, self._longest):
            self._bring(source, run, wanted)

    def _await_others(self, source: Source, wanted: dict[int, Fetched]) -> None:
        """Waits for the blocks that others fetch; takes over what they give up; after too long reads itself."""
        give_up = time.monotonic() + self._patience
        pause, longest = _POLL_SECONDS
        while waiting := [block for block in wanted if not wanted[block].done()]:
            if time.monotonic() > give_up:
                self._stats.add("lock_timeouts", len(waiting))
                for block in waiting:
                    wanted[block].missed(Miss.LOCK_TIMEOUT)
                for run in coalesce(waiting, self._longest):
                    self._bring(source, run, wanted)
                return
            self._flights.wait(pause)
            pause = min(pause * 1.5, longest)
            for block in waiting:
                self._deliver_cached(source, block, wanted[block])
            self._fetch_claimable(source, wanted)

    def _bring(self, source: Source, run: list[int], wanted: dict[int, Fetched]) -> None:
        block_size = self._store.block_size
        data = self._read(source, run)
        pieces = {block: data[(block - run[0]) * block_size :][:block_size] for block in run}
        for block, piece in pieces.items():
            wanted[block].set_result(FetchedBlock(piece))
        if source.admitted:  # the readers have the blocks already
            for block, piece in pieces.items():
                refused = self._fills.publish(len(piece), partial(self._publish, source, block, piece))
                self._count(source, refused or wanted[block].reason)

    def _publish(self, source: Source, block: int, data: memoryview) -> Miss | None:
        return self._store.publish(source.identity, block, data, source.pinned.status.validator)

    def _read(self, source: Source, run: list[int]) -> memoryview:
        """The bytes of consecutive blocks, which are of the pinned version."""
        start = run[0] * self._store.block_size
        size = min((run[-1] + 1) * self._store.block_size, source.identity.length) - start
        data = memoryview(source.reader.read_range(start, size))
        arrived = time.monotonic()
        self._stats.add("origin_bytes", size)
        source.usage.fetched(size)
        try:
            source.pinned.confirm(arrived)
        except FileChanged:
            self._stats.add("version_changed", len(run))
            self._count(source, Miss.VERSION_CHANGED, len(run))
            raise
        return data

    def _count(self, source: Source, reason: Miss, blocks: int = 1) -> None:
        if source.admitted:
            self._stats.miss(reason, blocks)

    def _deliver_cached(self, source: Source, block: int, future: Fetched) -> bool:
        found = self._store.lookup(source.identity, block, source.pinned.status.validator)
        if isinstance(found, Miss):
            future.missed(found)
            return False
        future.set_result(found)
        return True

    def _claim(self, source: Source, block: int) -> bool:
        return self._flights.claim(self._offset(source, block))

    def _offset(self, source: Source, block: int) -> int:
        return flight_offset(source.identity, block, self._store.block_size)

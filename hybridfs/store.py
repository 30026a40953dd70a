"""The blocks of one root over all its tiers: looking up, publishing, promoting, demoting."""

from __future__ import annotations

import logging
import os
import stat
import threading
import time
from collections.abc import Sequence

from hybridfs.blocks import CachedBlock, VerifiedChunks
from hybridfs.config import Settings
from hybridfs.errors import CorruptBlock
from hybridfs.eviction import evict
from hybridfs.layout import Identity, block_path
from hybridfs.publishing import read_whole
from hybridfs.root import DEFAULT_BLOCK_SIZE, Root, UnusableRoot, open_root, prepare_directory
from hybridfs.stats import Miss, Stats, most_telling
from hybridfs.tier import Kind, Tier, logger
from hybridfs.trailer import BlockSpec, is_entry, make_trailer
from hybridfs.upkeep import keep_up


class Store:
    """Tiers from fastest to slowest. Whatever fails here is counted and is a miss; nothing raises."""

    def __init__(self, root: Root, settings: Settings, stats: Stats) -> None:
        self.block_size = root.block_size
        self.root = root
        self._stats = stats
        self._verified = VerifiedChunks()
        self._upkeep: threading.Thread | None = None
        self.tiers: list[Tier] = []
        if settings.memory:
            self._add_tier(root.memory_directory, "memory", settings.memory, 0, settings)  # its volume is no disk
        for directory, budget in settings.disk_tiers:
            self._add_tier(directory, "disk", budget, settings.min_free, settings)
        if all(tier.kind == "memory" for tier in self.tiers):
            self.close()
            raise UnusableRoot("none of its disk tiers can be used")

    @property
    def lock_path(self) -> str:
        return os.path.join(self.root.path, "lock")

    @property
    def private(self) -> bool:
        """Whether nobody but this user and root can read what is kept."""
        return not any(modes.shared for modes in (self.root.modes, *(tier.modes for tier in self.tiers)))

    @property
    def budget(self) -> int:
        """Of all tiers together, bytes."""
        return sum(tier.budget for tier in self.tiers)

    @property
    def closed(self) -> bool:
        """Whether no tier takes blocks from the origin now."""
        return all(tier.closed for tier in self.tiers if tier.kind == "disk")

    def _add_tier(self, directory: str, kind: Kind, budget: int, min_free: int, settings: Settings) -> None:
        try:
            if os.path.islink(directory) and kind == "memory":
                raise OSError(f"{directory} is a link; remove it")
            group = os.stat(self.root.path).st_gid
            modes = prepare_directory(directory, self.root.modes, group)
            self.tiers.append(Tier(directory, kind, budget, min_free, modes, self._stats, settings.max_age))
        except OSError as error:
            self._stats.add("tier_faults")
            logger.warning("cache directory %s: %s; this tier is not used", directory, error)

    def spec(self, identity: Identity, block: int, validator: int = 0) -> BlockSpec:
        length = identity.block_length(block, self.block_size)
        return BlockSpec(identity.encoded, block, length, self.block_size, validator)

    def holds(self, identity: Identity, block: int) -> bool:
        """Whether a tier has a file for the block (not whether it is sound)."""
        relative = block_path(identity, block, self.block_size)
        return any(tier.holds(relative) for tier in self.tiers)

    def lookup(self, identity: Identity, block: int, validator: int = 0) -> CachedBlock | Miss:
        """The block from the fastest tier that has a sound one, else the most telling reason over the tiers.

        COLD, TIER_OFF (a tier is set aside, or none is usable), VERSION_CHANGED or CORRUPT.
        """
        relative = block_path(identity, block, self.block_size)
        spec = self.spec(identity, block, validator)
        reason = Miss.COLD if self.tiers else Miss.TIER_OFF
        for level, tier in enumerate(self.tiers):
            found = self._open(tier, relative, spec)
            if isinstance(found, Miss):
                reason = most_telling(reason, found)
                continue
            if level and found.read_before:
                self._promote(found, relative, level - 1)
            elif tier.marks_reads or (tier.max_age and found.unread_for > tier.max_age / 4):
                found.mark_read(at_once=True)  # relatime moves the time of an old read once a day
            return found
        return reason

    def _open(self, tier: Tier, relative: str, spec: BlockSpec) -> CachedBlock | Miss:
        fd = tier.open(relative)
        if isinstance(fd, Miss):
            return fd
        try:
            return CachedBlock(fd, spec, tier.kind, tier.directory, self._verified, may_map=not tier.modes.shared)
        except CorruptBlock as corrupt:
            return self._refuse(tier, relative, corrupt)
        except OSError as error:
            return tier.fault(error)

    def _refuse(self, tier: Tier, relative: str, corrupt: CorruptBlock) -> Miss:
        if isinstance(corrupt.__cause__, OSError):  # unreadable
            return tier.fault(corrupt.__cause__)
        self._stats.add(corrupt.counter)
        if corrupt.unlink:
            tier.discard(relative)
        return Miss(corrupt.counter)

    def discard(self, identity: Identity, block: int, found: CachedBlock, corrupt: CorruptBlock) -> None:
        """Drops a block whose data turned out to be corrupt from its tier; unreadable, it sets its tier aside."""
        holder = next(tier for tier in self.tiers if tier.directory == found.directory)
        self._refuse(holder, block_path(identity, block, self.block_size), corrupt)

    def publish(self, identity: Identity, block: int, data: memoryview, validator: int = 0) -> Miss | None:
        """Publishes a complete, confirmed block to the first disk tier that takes it; None if one did.

        Else NO_SPACE if a tier had none, or TIER_OFF.
        """
        relative = block_path(identity, block, self.block_size)
        parts: list[bytes | memoryview] = [data, make_trailer(self.spec(identity, block, validator), data)]
        refusals = set()
        for level, tier in enumerate(self.tiers):
            if tier.kind == "memory":
                continue
            refused = self._publish(level, relative, parts)
            if refused is None:
                self._stats.add("published_blocks")
                self._stats.add("published_bytes", len(data))
                return None
            refusals.add(refused)
        return Miss.NO_SPACE if Miss.NO_SPACE in refusals else Miss.TIER_OFF

    # ---- entries: small files of the first disk tier that are read and written whole (FORMAT.md section 10)

    def read_entry(self, relative: str, most: int) -> bytes | None:
        """What the file at ``relative`` holds; None where there is none, it cannot be read, or holds over ``most``."""
        tier = self.tiers[self._first_disk]
        fd = tier.open(relative)
        if isinstance(fd, Miss):
            return None
        try:
            return self._read_entry(tier, relative, fd, most)
        except OSError as error:
            tier.fault(error)
            return None
        finally:
            os.close(fd)

    def _read_entry(self, tier: Tier, relative: str, fd: int, most: int) -> bytes | None:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            self._refuse(tier, relative, CorruptBlock("no entry"))
            return None
        if tier.marks_reads and found.st_uid == os.geteuid():
            os.utime(fd, ns=(max(found.st_mtime_ns + 1, time.time_ns()), found.st_mtime_ns))
        return os.pread(fd, found.st_size, 0)

    def publish_entry(self, relative: str, parts: Sequence[bytes | memoryview]) -> bool:
        """Whether the tier took it."""
        return self._publish(self._first_disk, relative, parts) is None

    def discard_entry(self, relative: str, corrupt: CorruptBlock | None = None) -> None:
        """Removes it; where ``corrupt`` tells why, it is counted, and kept if it may be another's."""
        tier = self.tiers[self._first_disk]
        if corrupt:
            self._refuse(tier, relative, corrupt)
        else:
            tier.discard(relative)

    @property
    def _first_disk(self) -> int:
        return next(level for level, tier in enumerate(self.tiers) if tier.kind == "disk")

    def _publish(self, level: int, relative: str, parts: Sequence[bytes | memoryview]) -> Miss | None:
        tier = self.tiers[level]
        refused = tier.publish(relative, parts)
        if tier.deserves_eviction():
            evict(tier, self._stats, lambda victim: self._demote(level, victim))
            refused = refused and tier.publish(relative, parts)  # there may be room now
        if tier.deserves_upkeep() and not self._keeps_up():
            self._start_upkeep(tier)
        return refused

    def _promote(self, block: CachedBlock, relative: str, above: int) -> None:
        """Copies a block one tier up, as it is: a new trailer would lose the validator that another reader wrote."""
        if self.tiers[above].closed:
            return
        try:
            content = block.content()
        except CorruptBlock:
            return  # the reader will find it, too
        if self._publish(above, relative, content) is None:
            self._stats.add("promoted_blocks")

    def _demote(self, level: int, relative: str) -> None:
        """Copies a block that is about to leave a tier to the next one below, as it is; its checksums travel along."""
        if level + 1 >= len(self.tiers) or self.tiers[level + 1].holds(relative):
            return
        try:
            content = read_whole(os.path.join(self.tiers[level].directory, relative))
        except PermissionError:
            return  # another user's, who lets nobody read: it goes all the same
        if is_entry(content):
            return  # nobody looks for listings there
        if self._publish(level + 1, relative, [content]) is None:
            self._stats.add("demoted_blocks")

    def upkeep(self) -> bool:
        """Removes what was left behind or is too old, now (FORMAT.md section 7); False where an evictor is at work."""
        done = [keep_up(tier, self._stats, self.root.fills_directory, at_once=True) for tier in self.tiers]
        return all(done)

    def _start_upkeep(self, tier: Tier) -> None:
        thread = threading.Thread(target=self._keep_up, args=(tier,), name="hybridfs-upkeep", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads for this process, or it ends: another one does it
            return
        self._upkeep = thread

    def _keep_up(self, tier: Tier) -> None:
        keep_up(tier, self._stats, self.root.fills_directory)

    def _keeps_up(self) -> bool:
        return self._upkeep is not None and self._upkeep.is_alive()

    def close(self) -> None:
        if self._upkeep is not None:
            self._upkeep.join()
        self.abandon()

    def abandon(self) -> None:
        """Closes descriptors and waits for nothing: in the child of a fork the parent's threads are not there."""
        for tier in self.tiers:
            tier.close()


class NoStore:
    """Stands in where there is no usable cache: every block is a miss."""

    block_size = DEFAULT_BLOCK_SIZE
    budget = 0
    closed = True

    def holds(self, identity: Identity, block: int) -> bool:
        return False

    def lookup(self, identity: Identity, block: int, validator: int = 0) -> Miss:
        return Miss.TIER_OFF

    def discard(self, identity: Identity, block: int, found: CachedBlock, corrupt: CorruptBlock) -> None:
        return

    def publish(self, identity: Identity, block: int, data: memoryview, validator: int = 0) -> Miss:
        return Miss.TIER_OFF

    def close(self) -> None:
        return

    abandon = close


def open_store(settings: Settings, stats: Stats, level: int = logging.WARNING) -> Store | NoStore:
    """The store of ``settings.cache_dir``; NoStore, which is logged, if the directory cannot be used.

    Raises BadOption if the block size differs from the root's.
    """
    if not settings.enabled:
        return NoStore()
    try:
        return Store(open_root(settings.cache_dir, settings.block_size), settings, stats)
    except OSError as error:
        stats.add("tier_faults")
        logger.log(level, "cache_dir %s: %s; reads go on from the origin", settings.cache_dir, error)
        return NoStore()

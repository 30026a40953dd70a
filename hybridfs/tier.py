"""One directory with a budget: looking blocks up in it, publishing to it, and setting it aside when it fails."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import threading
import time
from collections.abc import Sequence
from typing import Literal

from hybridfs.contents import is_new
from hybridfs.ledger import UNIT, Ledger
from hybridfs.locks import LockFile
from hybridfs.publishing import patiently, rename_into, temporary_name, write_new, write_once
from hybridfs.root import Modes, prepare_directory
from hybridfs.stats import Miss, Stats

logger = logging.getLogger("hybridfs")

Kind = Literal["memory", "disk"]
REST_SECONDS = 30.0
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_FILE = (errno.ELOOP, errno.ENXIO)  # a link or a socket in a block's place: damage, the disk is well
_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)  # the process's or the host's trouble, which may pass at once
_PAGE = 4096
_MOST_SLACK = 64 << 20
_RECOUNT_SECONDS = 60.0
_UPKEEP_SECONDS = 3600.0
_LOW_WATER = 0.95
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # whoever put a pipe there must not hang readers


class Tier:
    """A tier. ``budget`` and ``min_free`` in bytes, ``max_age`` in seconds (0: no limit).

    Looking up, publishing and discarding raise nothing for a fault of the disk: it is counted instead.
    """

    def __init__(
        self,
        directory: str,
        kind: Kind,
        budget: int,
        min_free: int,
        modes: Modes,
        stats: Stats,
        max_age: float = 0,
    ) -> None:
        self.directory = directory
        self.kind = kind
        self.budget = budget
        self.modes = modes
        self.max_age = max_age
        self.ledger = Ledger(directory, modes)
        self.lock = LockFile(os.path.join(directory, "lock"), modes.file)
        self._min_free = min_free
        self._stats = stats
        self._mutex = threading.Lock()
        self._rests_until = 0.0
        self._rests_for = Miss.NO_SPACE
        self._warned = False
        self._deserves_look = False
        self._deserves_upkeep = False
        self._full = False
        self._recounts_at = 0.0
        self._begin()
        self._group = os.stat(directory).st_gid
        self.marks_reads = bool(os.statvfs(directory).f_flag & os.ST_NOATIME)

    def _begin(self) -> None:
        with contextlib.suppress(OSError):  # an evictor counts then
            if self.ledger.usage() is None and is_new(self.directory):
                self.ledger.begin()
                write_once(self.upkeep_path, b"", self.modes.file)  # nothing is due yet

    @property
    def closed(self) -> Miss | None:
        """Why nothing is published here now: NO_SPACE, TIER_OFF (then nothing is read either); None if it is open."""
        return self._rests_for if time.monotonic() < self._rests_until else None

    def open(self, relative: str) -> int | Miss:
        """A descriptor of the block at ``relative``; COLD or TIER_OFF."""
        if self.closed is Miss.TIER_OFF:
            return Miss.TIER_OFF
        try:
            path = os.path.join(self.directory, relative)
            if self.modes.shared:
                return patiently(lambda: os.open(path, _READ))
            return os.open(path, _READ)
        except (FileNotFoundError, NotADirectoryError):
            return Miss.COLD
        except OSError as error:
            if error.errno in _NO_FILE:
                self._stats.add("corrupt")
                self.discard(relative)
                return Miss.CORRUPT
            self.fault(error)
            return Miss.TIER_OFF

    def holds(self, relative: str) -> bool:
        return self.closed is not Miss.TIER_OFF and os.path.exists(os.path.join(self.directory, relative))

    def publish(self, relative: str, parts: Sequence[bytes | memoryview]) -> Miss | None:
        """Makes the block appear whole (FORMAT.md section 5); else NO_SPACE or TIER_OFF: it cannot take it now."""
        closed = self.closed
        if closed:
            return closed
        temporary = os.path.join(self.directory, "v1", "tmp", temporary_name())
        try:
            if self._overflows():
                return Miss.NO_SPACE
            try:
                write_new(temporary, parts, self.modes.file)
            except FileNotFoundError:  # somebody removed the directory
                prepare_directory(self.directory, self.modes, self._group)
                write_new(temporary, parts, self.modes.file)
            rename_into(temporary, os.path.join(self.directory, relative), self.directory, self.modes.directory)
            size = sum(len(part) for part in parts)
            now = self.ledger.published.add(-(-size // _PAGE) * _PAGE)
            if now is not None:
                self._deserves_look = True
                self._deserves_upkeep = self.upkeep_is_due(now)
        except (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError) as error:
            if not os.path.isdir(os.path.dirname(temporary)):
                return self.fault(error)
            if not isinstance(error, FileNotFoundError):  # something else is in its place, or in its directory's
                self._stats.add("corrupt")
            return Miss.NO_SPACE  # or evictors removed the directory again and again: not now, then; the disk is well
        except OSError as error:
            return self.fault(error)
        return None

    def _overflows(self) -> bool:
        """Whether it holds more than a batch above its budget: the evictor lags behind, nothing is added meanwhile."""
        overflows = self.ledger.used() > self.budget + max(self.budget // 20, 2 * UNIT)
        self._deserves_look |= overflows
        return overflows

    def deserves_eviction(self) -> bool:
        """Whether it is above its budget, below the free-space floor or full; looked at after enough was published."""
        if not self._deserves_look:
            return False
        self._deserves_look = False
        try:
            used = self.ledger.used() if self.ledger.usage() else None
            return self._full or used is None or used > self.budget or self.shortfall() > 0
        except OSError as error:
            self.fault(error)
            return False

    def surplus(self, used: int) -> int:
        """Bytes to free when a scan found ``used``: down to 95 % of the budget, or of ``used`` if the disk was full."""
        full, self._full = self._full, False
        limit = min(self.budget, used) if full else self.budget
        return used - int(limit * _LOW_WATER) if full or used > limit else 0

    def shortfall(self) -> int:
        """Bytes missing to the free-space floor."""
        return max(0, self._min_free - self.free())

    def free(self) -> int:
        """Bytes free on the tier's volume."""
        volume = os.statvfs(self.directory)
        return volume.f_bavail * volume.f_frsize

    def slack(self, used: int) -> int:
        """Bytes to free beyond the floor, so that not each MiB published has an evictor run."""
        return min(_MOST_SLACK, used // 20)

    def may_recount(self) -> bool:
        """Whether this process may count now although no count is due; not again for some minutes."""
        now = time.monotonic()
        due = now >= self._recounts_at
        if due:
            self._recounts_at = now + _RECOUNT_SECONDS
        return due

    def upkeep_is_due(self, now: float) -> bool:
        """Whether upkeep was last done too long before ``now``, by the file system's clock, or was never."""
        interval = min(_UPKEEP_SECONDS, self.max_age / 4) if self.max_age else _UPKEEP_SECONDS
        try:
            return abs(now - os.stat(self.upkeep_path).st_mtime) > interval  # a clock may have been set back
        except FileNotFoundError:
            return True

    @property
    def upkeep_path(self) -> str:
        return os.path.join(self.directory, "upkeep")

    def deserves_upkeep(self) -> bool:
        """Whether the last publishing found that upkeep is due."""
        due, self._deserves_upkeep = self._deserves_upkeep, False
        return due

    def discard(self, relative: str) -> None:
        try:
            os.unlink(os.path.join(self.directory, relative))
        except FileNotFoundError:
            pass
        except IsADirectoryError:
            with contextlib.suppress(OSError):
                os.rmdir(os.path.join(self.directory, relative))
        except OSError as error:
            self.fault(error)

    def fault(self, error: OSError) -> Miss:
        """Sets the tier aside for a while (FORMAT.md section 8); one warning tells. Gives NO_SPACE or TIER_OFF."""
        reason = Miss.NO_SPACE if error.errno in _FULL else Miss.TIER_OFF
        self._stats.add("tier_faults")
        if error.errno not in _NO_DESCRIPTORS:
            self.rest(reason)
        with self._mutex:
            first, self._warned = not self._warned, True
        if error.errno in _FULL:
            self._full = self._deserves_look = True
        if first:
            logger.warning("cache directory %s: %s; reads go on from the origin", self.directory, error)
        return reason

    def rest(self, reason: Miss = Miss.NO_SPACE) -> None:
        """Nothing is published here for a while; after a fault (TIER_OFF) nothing is read, either."""
        if not (reason is Miss.NO_SPACE and self.closed is Miss.TIER_OFF):  # a lesser reason hides no greater one
            self._rests_for = reason
            self._rests_until = time.monotonic() + REST_SECONDS

    def close(self) -> None:
        self.lock.close()

"""An origin in this process that at its k-th call fails, once or from then on, ends early, or hangs for a while."""

from __future__ import annotations

import errno
import itertools
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fsspec.implementations.memory import MemoryFileSystem

from hybridfs.errors import FileChanged
from hybridfs.origin.generic import GenericOrigin
from tests.python.support import BLOCK, Cache, ScriptedOrigin, cache, pattern
from tests.torture.cached import check_blocks
from tests.torture.origin_hdfs import check_counters
from tests.torture.outcome import Outcome

DATA = pattern(9 * BLOCK + 77)
PATH = "/f"
OPTIONS: dict[str, Any] = {"fetch_size": 2 * BLOCK, "readahead": 3 * BLOCK, "fetch_streams": 3}
Kind = Literal["path", "handle", "blocks"]
_CALLS = ("status", "open", "read")
_HANG_SECONDS = 0.3
_MOST_SECONDS = 20.0

ERRORS: tuple[Callable[[], OSError], ...] = (
    lambda: OSError(errno.EIO, "the origin fails"),
    lambda: TimeoutError("the origin is silent"),
    lambda: ConnectionResetError(errno.ECONNRESET, "the origin hung up"),
    lambda: PermissionError(errno.EACCES, "the origin says no"),
)


@dataclass(frozen=True)
class Fault:
    """What happens at the ``at``-th call of this name (and at all later ones, if ``lasting``), before or after it."""

    readers: Kind
    call: str
    moment: str
    at: int
    lasting: bool
    error: int  # of ERRORS; -1: it hangs for a while


def all_faults(calls: dict[str, int]) -> Iterator[Fault]:
    """Every call at every place. ``calls``: how many there are when nothing fails."""
    kinds: tuple[Kind, ...] = ("path", "handle", "blocks")
    for readers, call, moment in itertools.product(kinds, _CALLS, ("before", "after")):
        for at, lasting in itertools.product(range(1, calls[call] + 2), (False, True)):
            yield Fault(readers, call, moment, at, lasting, error=at % len(ERRORS))
        for at in range(1, calls[call] + 1):
            yield Fault(readers, call, moment, at, lasting=False, error=-1)


class Scripted:
    """An origin with one fault, and the errors that it raised."""

    def __init__(self, fault: Fault | None) -> None:
        self.origin = ScriptedOrigin(fault.readers if fault else "blocks")
        self.origin.write(PATH, DATA)
        self.fault = fault
        self.raised: list[OSError] = []
        self._seen = 0
        self._lock = threading.Lock()
        self.origin.hook = self._hook

    def heal(self) -> None:
        self.fault = None

    def _hook(self, call: str, path: str) -> None:
        fault = self.fault
        if fault is None or call != f"{fault.moment} {fault.call}":
            return
        with self._lock:
            self._seen += 1
            strikes = self._seen == fault.at or (fault.lasting and self._seen > fault.at)
        if strikes and fault.error < 0:
            time.sleep(_HANG_SECONDS)
        elif strikes:
            error = ERRORS[fault.error]()
            with self._lock:
                self.raised.append(error)
            raise error


def read_everything(used: Cache, origin: Any) -> Iterator[tuple[int, bytes]]:
    """Reads a file in all ways; yields what each read gave and from where. A failed read ends it."""
    with used.open(origin, PATH) as file:
        yield 2 * BLOCK - 5, file.pread(2 * BLOCK - 5, 10)
        target = bytearray(b"\xa5" * (BLOCK + 1))
        file.seek(5 * BLOCK)
        yield 5 * BLOCK, bytes(target[: file.readinto(target)])
        file.seek(0)
        yield 0, b"".join(iter(lambda: file.read(40_000), b""))
        file.seek(3 * BLOCK)
        yield 3 * BLOCK, bytes(file.read_buffer(100))
    stream = used.open(origin, PATH)._stream
    ranges = [(10, 20), (BLOCK, 4 * BLOCK), (8 * BLOCK, len(DATA))]
    yield from zip((start for start, _ in ranges), stream.read_ranges(ranges), strict=True)


def run(fault: Fault | None, root: Path, outcome: Outcome) -> ScriptedOrigin:
    """Three readers, one after the other and two at once, on an empty root; then, healed, all is right."""
    scripted = Scripted(fault)
    with cache(root, lock_timeout="100ms", **OPTIONS) as used:
        readers = [threading.Thread(target=_reader, args=(used, scripted, outcome, fault)) for _ in range(2)]
        begun = time.monotonic()
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(_MOST_SECONDS)
            outcome.check(not reader.is_alive(), f"{fault}: a reader is stuck")
        _reader(used, scripted, outcome, fault)
        outcome.check(time.monotonic() - begun < _MOST_SECONDS, f"{fault}: took {time.monotonic() - begun:.1f} s")
        used.settle()
        check_blocks(root, {PATH: DATA}, outcome, f"{fault}, in between")
        scripted.heal()
        raised = len(scripted.raised)
        outcome.check(_reader(used, scripted, outcome, fault), f"{fault}: healed, it still fails in the same process")
        outcome.check(raised == len(scripted.raised), f"{fault}: not healed")
    check_counters(used.counts, outcome, f"{fault}")
    with cache(root, **OPTIONS) as another:
        outcome.check(_reader(another, scripted, outcome, fault), f"{fault}: healed, it still fails in a new process")
    outcome.check(another.counts["miss_blocks"] == 0, f"{fault}: not everything was cached at last")
    check_blocks(root, {PATH: DATA}, outcome, f"{fault}, at last")
    outcome.add("faults of a scripted origin", fault is not None)
    outcome.add("errors that it raised", len(scripted.raised))
    return scripted.origin


def _reader(used: Cache, scripted: Scripted, outcome: Outcome, fault: Fault | None) -> bool:
    """Whether all reads succeeded; right bytes or the origin's own error."""
    try:
        for start, data in read_everything(used, scripted.origin):
            right = DATA[start : start + len(data)] == data and len(data) > 0
            outcome.check(right, f"{fault}: wrong bytes from {start}")
            outcome.add("bytes compared", len(data))
    except FileChanged as error:
        return outcome.check(False, f"{fault}: {error}, though nothing changed")
    except OSError as error:
        known = any(error is raised or str(error) == str(raised) for raised in scripted.raised)
        outcome.check(known, f"{fault}: {error!r} is not the origin's error")
        outcome.add("errors that readers saw")
        return False
    return True


# ---- an origin that gives other amounts than it was asked for


class Lying(MemoryFileSystem):
    """Files in memory. The ``at``-th range (and, if ``lasting``, all later ones) is cut to ``keep`` of its bytes."""

    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self.at, self.lasting, self.keep, self.seen = 0, False, 0.0, 0

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        data = bytes(super().cat_file(path, start=start, end=end, **kwargs))
        self.seen += 1
        if self.at and (self.seen == self.at or (self.lasting and self.seen > self.at)):
            return (data + data)[: int(len(data) * self.keep)]
        return data


def lie(root: Path, outcome: Outcome, at: int, keep: float, *, lasting: bool) -> None:
    """Reads of a file whose origin gives too little, nothing, or too much."""
    told = f"range {at} cut to {keep:g}{' and so on' if lasting else ''}"
    lying = Lying()
    lying.pipe_file("/torture" + PATH, DATA)
    origin = GenericOrigin("memory", {}, lying)
    path = "/torture" + PATH
    lying.at, lying.lasting, lying.keep = at, lasting, keep
    with cache(root, **OPTIONS) as used:
        for healed in (False, True):
            try:
                outcome.check(used.read(origin, path) == DATA, f"{told}: wrong bytes")
                outcome.add("bytes compared", len(DATA))
            except OSError as error:
                outcome.check(not healed, f"{told}: healed, yet {error}")
                outcome.check("shorter" in str(error), f"{told}: {error!r} does not say what is wrong")
                outcome.add("errors that readers saw")
            used.settle()
            check_blocks(root, {path: DATA}, outcome, told)
            lying.at = 0
    outcome.add("short and long answers of an origin")


def torture(scratch: Path, outcome: Outcome, share: float = 1.0) -> None:
    """All faults, or a random ``share`` of them."""
    rng = random.Random(outcome.seed)
    root = scratch / "scripted"
    calls = dict(run(None, root, outcome).calls)
    faults = list(all_faults(calls))
    outcome.say(f"{len(faults)} faults of a scripted origin: {calls}")
    for fault in rng.sample(faults, int(len(faults) * share)):
        shutil.rmtree(root)
        run(fault, root, outcome)
    for at, keep, lasting in itertools.product(range(1, 6), (0.0, 0.5, 0.999, 1.5), (False, True)):
        shutil.rmtree(root)
        lie(root, outcome, at, keep, lasting=lasting)

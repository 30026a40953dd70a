"""A model of files and versions against the cache, under everything that can go wrong with either.

Every byte that a reader gets must be of one version of the file: the one that was current while it was opened. Else it
gets an OSError, and that only if the file has changed since or the origin itself failed. A new reader sees the newest
version. Whatever lies in the cache and passes its checksums holds the bytes that its identity promises.

`HYBRIDFS_EXAMPLES` sets how many sequences of steps are tried.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import random
import shutil
import struct
import tempfile
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from xxhash import xxh64_intdigest

from hybridfs.eviction import evict
from hybridfs.file import HybridFile
from hybridfs.root import SHARED_MEMORY
from hybridfs.store import Store
from tests.python.seams import failing, seams
from tests.python.support import BLOCK, Cache, ScriptedOrigin, Version, blocks_in, misses
from tests.python.zygote import KILLED, RIGHT, Zygote

EXAMPLES = int(os.environ.get("HYBRIDFS_EXAMPLES", "0"))
PATHS = ("/a", "/dir/b")
SIZES = (1, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 777, 5 * BLOCK)
WAYS = ("read", "readinto", "read_buffer", "pread", "readline", "ranges", "whole")
PARTS = ("block", "region", "domain", "v1/tmp", "usage", "published", "lock", "cache-id", "v1/layout", "v1", "")
ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, errno.ENOENT, errno.EMFILE, errno.ESTALE)
EVENTS = (
    "hit_blocks_map",
    "hit_blocks_memory",
    "hit_blocks_disk",
    "miss_blocks",
    "published_blocks",
    "evicted_blocks",
    "promoted_blocks",
    "demoted_blocks",
    "corrupt",
    "version_changed",
    "tier_faults",
    "grants_reused",
    "miss_cold",
    "miss_version_changed",
    "miss_corrupt",
    "miss_tier_off",
    "miss_no_space",
    "miss_fill_limit",
    "miss_disabled",
)


@dataclass
class Handle:
    """An open reader, and the versions that it may be reading: one, as soon as it has told."""

    cache: Cache
    path: str
    file: HybridFile
    candidates: list[Version]
    opened_at: int  # the length of the path's history when it began to open


class Model(RuleBasedStateMachine):
    """See the module. Each rule is a step."""

    zygote: Zygote
    figures: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="hybridfs-model-"))
        self.random = random.Random(1)
        self.history: dict[str, list[Version | None]] = {path: [None] for path in PATHS}
        self.promised: dict[tuple[bytes, int], bytes] = {}
        self.handles: list[Handle] = []
        self.caches: list[Cache] = []
        self.memory: set[str] = set()
        self.clock = 1_600_000_000

    @initialize(
        readers=st.sampled_from(["blocks", "path", "handle"]),
        file_ids=st.booleans(),
        memory=st.sampled_from([0, 4 * BLOCK]),
        budget=st.sampled_from([6 * BLOCK, 20 * BLOCK, 1 << 30]),
        second_disk=st.booleans(),
        readahead=st.sampled_from([0, 2 * BLOCK, 32 * BLOCK]),
        fetch_size=st.sampled_from([BLOCK, 3 * BLOCK]),
        streams=st.sampled_from([1, 4]),
        freshness=st.sampled_from([0, 30]),
        map_budget=st.sampled_from([0, 100 * BLOCK]),
        fill_limit=st.sampled_from([0, 0, 6 * BLOCK]),
    )
    def start(
        self,
        readers: Literal["blocks", "path", "handle"],
        file_ids: bool,
        memory: int,
        budget: int,
        second_disk: bool,
        readahead: int,
        fetch_size: int,
        streams: int,
        freshness: int,
        map_budget: int,
        fill_limit: int,
    ) -> None:
        self.origin = ScriptedOrigin(readers)
        self.file_ids = file_ids
        disks = [(str(self.root / "root"), budget)]
        if second_disk:
            disks.append((str(self.root / "slow"), 1 << 30))
        self.options = {
            "disk": disks,
            "memory": memory,
            "readahead": readahead,
            "fetch_size": fetch_size,
            "fetch_streams": streams,
            "freshness": freshness,
            "map_budget": map_budget,
            "fill_limit": fill_limit,
        }
        self.caches = [self.new_cache(), self.new_cache()]
        self.change("/a", "new", 3 * BLOCK + 777)
        self.change("/dir/b", "new", BLOCK)

    def new_cache(self) -> Cache:
        cache = Cache(self.root / "root", **self.options)
        self.note_memory()
        return cache

    def note_memory(self) -> None:
        """Where the memory tier is now; it has to be removed in the end."""
        with contextlib.suppress(OSError, ValueError):
            cache_id = (self.root / "root" / "cache-id").read_text().strip()
            self.memory.add(os.path.join(SHARED_MEMORY, f"hybridfs-{uuid.UUID(cache_id)}"))

    # ---- the origin changes

    def change(self, path: str, how: str, size: int) -> None:
        """Whatever ``how`` says, as far as there is a file."""
        now = self.history[path][-1]
        if how == "remove":
            if now:
                self.origin.remove(path)
                self.history[path].append(None)
            return
        token, data = None, self.random.randbytes(size)
        if now and how in ("equal length", "equal length and token"):
            data = self.random.randbytes(len(now.data))
            token = now.token if self.file_ids and how == "equal length and token" else None
        elif now and how == "append":
            data = (now.data + data)[: 6 * BLOCK]
        elif now and how == "truncate":
            data = now.data[: max(1, len(now.data) - size)]
        validator = len(self.promised) + 1 if self.file_ids else 0
        in_place = how in ("append", "truncate") or (how == "equal length" and self.origin.readers == "handle")
        version = self.origin.write(path, data, token, validator, in_place=in_place)
        self.history[path].append(version)
        self.promised[self.origin.identity(path).encoded, validator] = data

    CHANGES = st.sampled_from(["new", "equal length", "equal length and token", "append", "truncate", "remove"])

    @rule(path=st.sampled_from(PATHS), how=CHANGES, size=st.sampled_from(SIZES))
    def origin_changes(self, path: str, how: str, size: int) -> None:
        self.change(path, how, size)

    # ---- reading

    def open(self, cache: Cache, path: str, *, may_fail: bool = False) -> Handle | None:
        """Opens; the reader must be of a version that was current meanwhile."""
        before = len(self.history[path]) - 1
        try:
            file = cache.open(self.origin, path)
        except OSError as error:
            meanwhile = self.history[path][before:]
            if may_fail or None in meanwhile or len(meanwhile) > 1:
                return None
            raise AssertionError(f"nothing is wrong with the origin, and open says {error!r}") from error
        meanwhile = self.history[path][before:]
        candidates = [version for version in meanwhile if version and len(version.data) == file.size]
        assert candidates, f"opened with a size that no version has: {file.size}"
        return Handle(cache, path, file, candidates, before + 1)

    def read(self, handle: Handle, offset: int, size: int, way: str, *, may_fail: bool = False) -> bool:
        """Reads; the bytes must be those of one version, the same one as before. Whether there were any."""
        end = handle.file.size
        offset = min(offset, end)
        try:
            start, got = self.get(handle, offset, size, way)
        except OSError as error:
            if may_fail or len(self.history[handle.path]) > handle.opened_at:
                return False
            raise AssertionError(f"nothing is wrong with the origin, and {way} says {error!r}") from error
        self.figures["reads checked"] += 1
        fitting = [version for version in handle.candidates if version.data[start : start + len(got)] == got]
        assert fitting, f"{way} of {len(got)} bytes at {start} of {handle.path}: no version has these bytes"
        handle.candidates = fitting
        wanted = end - start if way == "whole" else min(size, end - start)
        if way == "readline":
            line_end = fitting[0].data.find(b"\n", start) + 1 or end
            wanted = min(wanted, line_end - start)
        assert len(got) == wanted, f"{way} gave {len(got)} bytes, not {wanted}"
        return True

    def get(self, handle: Handle, offset: int, size: int, way: str) -> tuple[int, bytes]:
        """Where it read, and what."""
        file = handle.file
        if way == "pread":
            return offset, file.pread(offset, size)
        if way == "ranges":
            middle = min(offset + size // 2, file.size)
            last = min(offset + size, file.size)
            ranges = [(middle, last), (offset, middle), (offset, offset)]
            later, sooner, nothing = file._stream.read_ranges(ranges)
            assert nothing == b""
            return offset, sooner + later
        file.seek(offset)
        if way == "whole":
            return offset, b"".join(iter(lambda: file.read(BLOCK + 13), b""))
        if way == "readinto":
            buffer = bytearray(size)
            count = file.readinto(buffer)
            return offset, bytes(buffer[:count])
        if way == "read_buffer":
            return offset, bytes(file.read_buffer(size))
        got = file.readline(size) if way == "readline" else file.read(size)
        assert file.tell() == offset + len(got)
        return offset, got

    def read_newest(self, cache: Cache, path: str, way: str = "whole", **kwargs: Any) -> None:
        handle = self.open(cache, path, **kwargs)
        if handle:
            self.read(handle, 0, 6 * BLOCK, way, **kwargs)
            handle.file.close()

    PLACES = st.integers(0, 5 * BLOCK)
    AMOUNTS = st.sampled_from([0, 1, 100, BLOCK - 1, BLOCK, 2 * BLOCK + 5, 6 * BLOCK])

    @rule(which=st.integers(0, 1), path=st.sampled_from(PATHS), way=st.sampled_from(WAYS), wait=st.booleans())
    def read_all(self, which: int, path: str, way: str, wait: bool) -> None:
        self.read_newest(self.caches[which], path, way)
        if wait:
            self.caches[which].settle()

    @rule(which=st.integers(0, 1), path=st.sampled_from(PATHS))
    def open_and_keep(self, which: int, path: str) -> None:
        handle = self.open(self.caches[which], path)
        if handle:
            self.handles.append(handle)

    # No rule has a precondition: whether a reader was opened may depend on the threads, and the next rule must not.
    @rule(number=st.integers(0, 99), offset=PLACES, size=AMOUNTS, way=st.sampled_from(WAYS))
    def read_kept(self, number: int, offset: int, size: int, way: str) -> None:
        if self.handles:
            self.read(self.handles[number % len(self.handles)], offset, size, way)

    @rule(number=st.integers(0, 99))
    def close_kept(self, number: int) -> None:
        if self.handles:
            self.handles.pop(number % len(self.handles)).file.close()

    @rule(
        which=st.integers(0, 1),
        path=st.sampled_from(PATHS),
        places=st.lists(st.tuples(PLACES, AMOUNTS, st.sampled_from(WAYS)), min_size=2, max_size=4),
        how=CHANGES,
        size=st.sampled_from(SIZES),
        wait=st.booleans(),
    )
    def read_before_and_after_a_change(
        self, which: int, path: str, places: list[tuple[int, int, str]], how: str, size: int, wait: bool
    ) -> None:
        handle = self.open(self.caches[which], path)
        if handle:
            for number, (offset, amount, way) in enumerate(places):
                self.read(handle, offset, amount, way)
                if wait:
                    self.caches[which].settle()
                if number == 0:
                    self.change(path, how, size)
            self.handles.append(handle)

    # ---- reading while the origin changes or fails

    @rule(
        which=st.integers(0, 1),
        path=st.sampled_from(PATHS),
        way=st.sampled_from(WAYS),
        moments=st.lists(st.integers(1, 6) | st.integers(1, 24), min_size=1, max_size=3),
        hows=st.lists(CHANGES, min_size=3, max_size=3),
        size=st.sampled_from(SIZES),
        slow=st.sampled_from(["before status", "before open", "after open", "after read", ""]),
    )
    def read_while_it_changes(
        self, which: int, path: str, way: str, moments: list[int], hows: list[str], size: int, slow: str
    ) -> None:
        lock, calls = threading.Lock(), 0

        def hook(call: str, called: str) -> None:
            nonlocal calls
            if call == slow:
                time.sleep(0.001)  # lets the other of two parallel calls go first
            with lock:
                calls += 1
                if calls in moments:
                    self.change(path, hows[moments.index(calls)], size)

        self.origin.hook = hook
        try:
            handle = self.open(self.caches[which], path)
            if handle:
                for offset in (0, BLOCK + 5, 0):
                    self.read(handle, offset, 3 * BLOCK, way)
        finally:
            self.caches[which].settle()
            self.origin.hook = lambda call, called: None
        if handle:
            self.handles.append(handle)

    @rule(
        which=st.integers(0, 1),
        path=st.sampled_from(PATHS),
        way=st.sampled_from(WAYS),
        first=st.integers(1, 16),
        count=st.sampled_from([1, 2, 1000]),
    )
    def read_while_the_origin_fails(self, which: int, path: str, way: str, first: int, count: int) -> None:
        lock, calls = threading.Lock(), 0

        def hook(call: str, called: str) -> None:
            nonlocal calls
            if call.startswith("before"):
                with lock:
                    calls += 1
                    failing_now = first <= calls < first + count
                if failing_now:
                    raise OSError(errno.EIO, "the origin fails (a test's)", called)

        self.origin.hook = hook
        try:
            handle = self.open(self.caches[which], path, may_fail=True)
            if handle:
                self.read(handle, 0, 6 * BLOCK, way, may_fail=True)
        finally:
            self.caches[which].settle()
            self.origin.hook = lambda call, called: None
        if handle:
            self.read(handle, 0, 6 * BLOCK, "whole")  # nothing of the fault stays
            handle.file.close()

    # ---- faults of the cache

    @rule(
        which=st.integers(0, 1),
        path=st.sampled_from(PATHS),
        way=st.sampled_from(WAYS),
        first=st.integers(1, 120),
        count=st.sampled_from([1, 1, 2, 10_000]),
        error=st.sampled_from(ERRORS),
        fresh=st.booleans(),
    )
    def read_while_the_cache_fails(
        self, which: int, path: str, way: str, first: int, count: int, error: int, fresh: bool
    ) -> None:
        """A fault of the cache is never a fault of the reader."""
        with seams(failing(first, first + count - 1, error)):
            if fresh:
                self.restart(which)
            self.read_newest(self.caches[which], path, way)
            self.caches[which].settle()
        self.restart(which)  # else it would rest for half a minute

    @rule(share=st.sampled_from([0.0, 0.5, 0.9]), level=st.integers(0, 2), which=st.integers(0, 1))
    def evict(self, share: float, level: int, which: int) -> None:
        store = self.caches[which].engine.store
        if not isinstance(store, Store) or level >= len(store.tiers):
            return
        tier = store.tiers[level]
        budget, tier.budget = (
            tier.budget,
            int(share * sum(path.stat().st_size for path in blocks_in(Path(tier.directory)))),
        )
        try:
            evict(tier, store._stats, lambda victim: store._demote(level, victim))
        finally:
            tier.budget = budget

    def directories(self) -> list[Path]:
        return [self.root / "root", self.root / "slow", *map(Path, sorted(self.memory))]

    def blocks(self) -> list[Path]:
        return [path for directory in self.directories() for path in blocks_in(directory)]

    @rule()
    def all_blocks_were_read(self) -> None:
        for path in self.blocks():
            with contextlib.suppress(FileNotFoundError):
                modified = path.stat().st_mtime_ns
                os.utime(path, ns=(modified + 1, modified))

    def damaged(self, content: bytes, how: str, place: int) -> bytes:
        mutant = bytearray(content)
        at = place % max(1, len(mutant))
        if how == "bit" and mutant:
            mutant[at] ^= 1 << place % 8
        elif how == "cut":
            del mutant[at:]
        elif how == "longer":
            mutant += self.random.randbytes(1 + place % 100)
        elif how == "zeros":
            mutant[at : at + 4096] = bytes(min(4096, len(mutant) - at))
        elif how == "another block":
            others = self.blocks()
            with contextlib.suppress(FileNotFoundError):
                return others[place % len(others)].read_bytes()
        return bytes(mutant)

    DAMAGES = st.sampled_from(["bit", "bit", "cut", "longer", "zeros", "another block"])

    @rule(numbers=st.lists(st.integers(0, 99), min_size=1, max_size=5), how=DAMAGES, place=st.integers(0, 1 << 20))
    def damage(self, numbers: list[int], how: str, place: int) -> None:
        """While caches run: by another file in the block's place. What is open or mapped stays as it is."""
        blocks = self.blocks()
        for number in numbers if blocks else []:
            path = blocks[number % len(blocks)]
            with contextlib.suppress(FileNotFoundError):
                content = self.damaged(path.read_bytes(), how, place)
                temporary = path.with_name(f"damaged-{number}")
                temporary.write_bytes(content)
                self.clock += 1  # no two of these look alike
                os.utime(temporary, (self.clock, self.clock))
                temporary.rename(path)

    @rule(numbers=st.lists(st.integers(0, 99), min_size=1, max_size=9), how=DAMAGES, place=st.integers(0, 1 << 20))
    def damage_at_rest(self, numbers: list[int], how: str, place: int) -> None:
        """In place, while no cache runs: a failing disk, a power cut."""
        self.shut_down()
        blocks = self.blocks()
        for number in numbers if blocks else []:
            path = blocks[number % len(blocks)]
            path.write_bytes(self.damaged(path.read_bytes(), how, place))
        self.caches = [self.new_cache(), self.new_cache()]

    @rule(part=st.sampled_from(PARTS), number=st.integers(0, 99), tier=st.integers(0, 2))
    def delete(self, part: str, number: int, tier: int) -> None:
        """While caches run."""
        directories = self.directories()
        path = directories[tier % len(directories)] / part
        if part in ("block", "region", "domain"):
            blocks = self.blocks()
            if not blocks:
                return
            block = blocks[number % len(blocks)]
            path = {"block": block, "region": block.parent, "domain": block.parents[2]}[part]
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    @rule(part=st.sampled_from(["usage", "published", "cache-id", "v1/layout"]), content=st.binary(max_size=30))
    def garble(self, part: str, content: bytes) -> None:
        with contextlib.suppress(FileNotFoundError):
            (self.root / "root" / part).write_bytes(content)
        self.restart(0)
        self.read_newest(self.caches[0], "/a")
        if part in ("cache-id", "v1/layout"):  # without them there is no root
            (self.root / "root" / part).unlink(missing_ok=True)
            self.restart(0)

    # ---- processes

    def shut_down(self) -> None:
        for handle in self.handles:
            handle.file.close()
        self.handles.clear()
        while self.caches:
            self.close(self.caches.pop())

    def close(self, cache: Cache) -> None:
        cache.close()
        misses(cache.counts)  # add up
        for name in EVENTS:
            self.figures[f"events in the state machine: {name}"] += cache.counts[name]

    @rule()
    def flip_the_switch(self) -> None:
        switch = self.root / "root" / "disabled"
        with contextlib.suppress(FileNotFoundError):  # no root
            switch.unlink() if switch.exists() else switch.touch()

    @rule(which=st.integers(0, 1))
    def restart(self, which: int) -> None:
        """As a new process: nothing is remembered, and readers are gone."""
        for handle in [handle for handle in self.handles if handle.cache is self.caches[which]]:
            handle.file.close()
            self.handles.remove(handle)
        self.close(self.caches[which])
        self.caches[which] = self.new_cache()

    def present(self, path: str) -> Version | None:
        return self.history[path][-1]

    @rule(path=st.sampled_from(PATHS))
    def another_process_reads(self, path: str) -> None:
        """At the same time as this one."""
        if version := self.present(path):
            self.zygote.start_reading(self.root / "root", self.options, path, version)
            try:
                self.read_newest(self.caches[0], path)
            finally:
                result = self.zygote.result()
                self.note_memory()
            assert result == RIGHT

    @rule(path=st.sampled_from(PATHS), at=st.integers(1, 150))
    def another_process_crashes(self, path: str, at: int) -> None:
        """In place of any of its system calls."""
        if version := self.present(path):
            self.zygote.start_reading(self.root / "root", self.options, path, version, die_at=at)
            result = self.zygote.result()
            self.note_memory()
            assert result in (RIGHT, KILLED)
            self.figures["processes killed in mid-work"] += result == KILLED

    # ---- what must always hold

    @invariant()
    def count_a_step(self) -> None:
        self.figures["steps of the state machine"] += 1

    def teardown(self) -> None:
        try:
            for cache in self.caches:
                cache.settle()
            self.shut_down()
            self.no_sound_block_lies()
            if hasattr(self, "options"):
                self.caches = [self.new_cache()]
                for path in PATHS:
                    self.read_newest(self.caches[0], path)
        finally:
            self.shut_down()
            shutil.rmtree(self.root, ignore_errors=True)
            for directory in self.memory:
                shutil.rmtree(directory, ignore_errors=True)

    def no_sound_block_lies(self) -> None:
        """Each block that passes its checksums holds what its identity promises, wherever it lies."""
        for path in self.blocks():
            found = sound_block(path.read_bytes())
            if found is None:
                continue
            identity, validator, number, data = found
            assert data == self.promised[identity, validator][number * BLOCK :][: len(data)], (
                f"{path} was published wrong"
            )
            self.figures["blocks compared with what they promise"] += 1


def sound_block(content: bytes) -> tuple[bytes, int, int, bytes] | None:
    """Identity, fileId, number and data of a block, if all its checksums fit (FORMAT.md section 4)."""
    if len(content) < 48:
        return None
    validator, number, n, k, block_size, algorithm, version, seal, magic = struct.unpack("<QQIIIHHQ8s", content[-48:])
    sums = range(0, n, 65_536)
    sizes_fit = len(content) == n + 8 * len(sums) + k + 48
    if (magic, algorithm, version, block_size) != (b"HYBRIDFS", 1, 1, BLOCK) or not sizes_fit:
        return None
    expected = struct.unpack_from(f"<{len(sums)}Q", content, n)
    found = tuple(xxh64_intdigest(content[at : min(at + 65_536, n)]) for at in sums)
    if xxh64_intdigest(content[n:-16]) != seal or found != expected:
        return None
    return content[-48 - k : -48], validator, number, content[:n]


@pytest.mark.timeout(36_000 if EXAMPLES else 600)
def test_no_wrong_byte(figures: Counter[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "hybridfs")  # which tells of every fault that happens here
    zygote = Zygote()
    machine = type("Machine", (Model,), {"zygote": zygote, "figures": figures})
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=EXAMPLES or 500,
                stateful_step_count=30,
                derandomize=not EXAMPLES,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        zygote.end()
    assert EXAMPLES or all(figures[f"events in the state machine: {name}"] for name in EVENTS), "not all was tried"

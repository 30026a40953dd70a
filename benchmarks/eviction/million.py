"""A root of very many small blocks: what opening it costs, and what evicting from it."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

from benchmarks.eviction.ground import BLOCK, Finding, apart, new_store, traced
from hybridfs.eviction import evict
from hybridfs.layout import Identity, block_path
from hybridfs.stats import Stats
from hybridfs.trailer import BlockSpec, make_trailer

_BLOCKS = 1_000_000
_SIZE = 1000
_MOST_MEMORY = 64 << 20
_ONE = Identity("bench", "bench://small/one", "1", _SIZE)
_READ_ONE = """
import sys
from pathlib import Path
from benchmarks.eviction.million import read_one
read_one(Path(sys.argv[1]))
"""


def million(scratch: Path, seed: int) -> list[Finding]:
    """Blocks of 1,000 bytes, each of a file of its own, as the smallest files of a data set make them."""
    empty, full = scratch / "empty", scratch / "full"
    for root in (empty, full):
        apart(_publish_one, root)
    started = time.monotonic()
    _make(full, _BLOCKS)
    made = time.monotonic() - started
    calls = {root: _calls(root) for root in (empty, full, empty, full)}
    findings = [
        Finding(
            f"system calls to open a root of {_BLOCKS + 1} blocks and read one of them ({made:.0f} s to make it)",
            f"{calls[full]}, of a root of 1: {calls[empty]}",
            "the same",
            calls[full] == calls[empty],
        )
    ]
    for what in ("counts first", "has counted"):
        seconds, memory, evicted = apart(_evict, full, _BLOCKS)
        findings.append(
            Finding(
                f"memory of an evictor that {what} ({evicted} blocks unlinked in {seconds:.1f} s)",
                f"{memory / (1 << 20):.1f} MiB",
                f"≤ {_MOST_MEMORY >> 20} MiB",
                memory <= _MOST_MEMORY and evicted > 0,
            )
        )
    return findings


def read_one(root: Path) -> None:
    """Opens the root and reads its one block that everybody knows."""
    block = new_store(root).lookup(_ONE, 0)
    assert not isinstance(block, str), block
    assert block.read(0, _SIZE) == bytes(_SIZE)


def _publish_one(root: Path) -> None:
    store = new_store(root)
    assert store.publish(_ONE, 0, memoryview(bytes(_SIZE))) is None
    store.close()


def _calls(root: Path) -> int:
    """All but those by which Python and the C library get memory: their number depends on addresses."""
    options = ["-c", "-e", "trace=!brk,mmap,munmap,mremap,madvise,mprotect,futex,getrandom"]
    _, noted = traced(_READ_ONE, root, options=options)
    total = next(line.split() for line in noted.splitlines() if line.endswith("total"))
    return int(total[3])  # % time, seconds, microseconds a call, calls


def _make(root: Path, blocks: int) -> None:
    """Writes blocks as the store does, without its way over temporary files; two processes are twice as fast."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.starmap(_make_some, [(root, range(start, min(start + 5000, blocks))) for start in range(0, blocks, 5000)])


def _make_some(root: Path, numbers: range) -> None:
    data = bytes(_SIZE)
    for number in numbers:
        identity = Identity("bench", f"bench://small/{number}", "1", _SIZE)
        path = os.path.join(root, block_path(identity, 0, BLOCK))
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        trailer = make_trailer(BlockSpec(identity.encoded, 0, _SIZE, BLOCK), memoryview(data))
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(fd, data + trailer)
        os.close(fd)


def _evict(root: Path, blocks: int) -> tuple[float, int, int]:
    """Seconds, bytes of memory that it needed, and blocks that went."""
    counts = Stats()
    usage = root / "usage"
    if "unlinked=0" in usage.read_text():  # made behind the store's back
        usage.unlink()
        budget = blocks * 4096
    else:
        budget = int(blocks * 4096 * 0.9)
    store = new_store(root, counts, disk=budget)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    before, started = _status("VmRSS"), time.monotonic()
    evict(store.tiers[0], counts, lambda _: None)
    seconds, memory = time.monotonic() - started, _status("VmHWM") - before
    store.close()
    return seconds, memory, counts.snapshot()["evicted_blocks"]


def _status(name: str) -> int:
    """Bytes of memory of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:"))) << 10

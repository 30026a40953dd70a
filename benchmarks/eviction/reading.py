"""Loops and scans by processes that read real files through hybridfs: what hits, and what stays."""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks.eviction.ground import BLOCK, MIB, ON_DISK, Finding, apart, new_store
from hybridfs.layout import Identity

_FILE_BLOCKS = 16
_ROUNDS = 12


def loop(scratch: Path, seed: int) -> list[Finding]:
    """Rounds over a data set 1.25 times as large as the cache, each by a fresh process."""
    cached = 512
    files = _make_files(scratch / "data", cached * 5 // 4, seed)
    options = {"cache_dir": str(scratch / "cache"), "disk": cached * ON_DISK}
    rounds = [apart(_read, files, options) for _ in range(_ROUNDS)]
    warm = rounds[2:]  # the first fills, the second is the first that can hit
    ratio = sum(hits for hits, _ in warm) / sum(hits + misses for hits, misses in warm)
    each = " ".join(f"{hits / (hits + misses):.2f}" for hits, misses in rounds)
    what = f"loop 1.25×: hit ratio of rounds 3–{_ROUNDS} ({cached} of {cached * 5 // 4} blocks fit; all: {each})"
    return [Finding(what, f"{ratio:.3f}", "≥ 0.5", ratio >= 0.5)]


def fill(scratch: Path, seed: int) -> list[Finding]:
    """A scan of a fact table five times as large as a full cache, a fifth of which is a hot dimension table."""
    findings = []
    for name, limit, bound in (("without fill limit", 0, 0.0), ("fill limit a tenth of the cache", 0.1, 0.95)):
        kept = _kept_dimensions(scratch / name, limit, seed)
        met = kept >= bound if bound else None
        findings.append(
            Finding(f"dimension blocks left by a scan, {name}", f"{kept:.1%}", f"≥ {bound:.0%}" if bound else "", met)
        )
    return findings


def _kept_dimensions(scratch: Path, limit: float, seed: int) -> float:
    budget = 640 * ON_DISK
    dimensions = _make_files(scratch / "dimensions", 128, seed)
    others = _make_files(scratch / "others", 640, seed + 1)
    facts = _make_files(scratch / "facts", 3200, seed + 2)
    options = {"cache_dir": str(scratch / "cache"), "disk": budget}
    apart(_read, others, options)
    for _ in range(3):  # hot: it was read again after it was cached
        apart(_read, dimensions, options)
    apart(_read, facts, options | {"fill_limit": int(limit * budget), "application": "scan"})
    hits, misses = apart(_held, dimensions, options)
    return hits / (hits + misses)


def _read(files: list[str], options: dict[str, object]) -> tuple[int, int]:
    """Reads files whole, in order; returns the blocks that hit and that missed."""
    import hybridfs

    filesystem = _filesystem(options)
    for path in files:
        with filesystem.open(path) as file:
            while file.read(MIB):
                pass
    counts = hybridfs.stats()
    return sum(counts[f"hit_blocks_{tier}"] for tier in ("map", "memory", "disk")), counts["miss_blocks"]


def _held(files: list[str], options: dict[str, object]) -> tuple[int, int]:
    """How many blocks of the files are in the cache, and how many are not."""
    origin = _filesystem(options).origin
    store = new_store(Path(str(options["cache_dir"])), disk=options["disk"])
    held = total = 0
    for path in files:
        status = origin.status(path)
        identity = Identity(origin.domain, origin.uri(path), status.token, status.length)
        held += sum(store.holds(identity, block) for block in range(_FILE_BLOCKS))
        total += _FILE_BLOCKS
    store.close()
    return held, total - held


def _filesystem(options: dict[str, object]):  # type: ignore[no-untyped-def]  # fsspec has no types
    import fsspec

    return fsspec.filesystem("hybridfs", target_protocol="file", block_size=BLOCK, min_free=0, **options)


def _make_files(directory: Path, blocks: int, seed: int) -> list[str]:
    directory.mkdir(parents=True)
    pattern = random.Random(seed).randbytes(_FILE_BLOCKS * BLOCK)
    paths = [directory / f"part-{number:04}" for number in range(blocks // _FILE_BLOCKS)]
    for path in paths:
        path.write_bytes(pattern)
    return list(map(str, paths))

"""What tests of budgets and of evictors need."""

from __future__ import annotations

from pathlib import Path

from hybridfs.eviction import evict
from hybridfs.store import Store
from tests.python.support import blocks_in


def evict_exactly(store: Store, level: int = 0) -> None:
    """Has a tier evicted from, by a count and not by what processes have told."""
    Path(store.tiers[level].directory, "usage").unlink(missing_ok=True)
    evict(store.tiers[level], store._stats, lambda victim: store._demote(level, victim))


def on_disk(root: Path) -> int:
    """Bytes of a tier's blocks."""
    return sum(path.stat().st_blocks * 512 for path in blocks_in(root))


def read_since(root: Path) -> set[str]:
    """The blocks of a tier that were read since they were published or spared."""
    stats = {path: path.stat() for path in blocks_in(root)}
    return {str(path.relative_to(root)) for path, stat in stats.items() if stat.st_atime_ns > stat.st_mtime_ns}

"""What the demo measured, and whether it keeps what hybridfs promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from spark_ext.bed import Served


@dataclass(frozen=True)
class Read:
    """One query or one file read.

    seconds: of wall time. result: compared between reads of the same. served: what HDFS sent meanwhile, by its own
    metrics. counters: how far hybridfs's counters moved (none without hybridfs). crossed: bytes that came over the
    emulated link meanwhile, None where there is none.
    """

    seconds: float
    result: Any
    served: Served
    counters: Mapping[str, int] = field(default_factory=dict)
    crossed: int | None = None


@dataclass(frozen=True)
class Comparison:
    """The same read on plain HDFS, with an empty cache, and when the cache has been filled; None: not measured."""

    plain: Read
    cold: Read | None = None
    warm: Read | None = None

    @property
    def cached_reads(self) -> Iterator[Read]:
        yield from (read for read in (self.cold, self.warm) if read is not None)

    @property
    def equal(self) -> bool:
        """Whether every read through hybridfs gave what plain HDFS gave."""
        return all(read.result == self.plain.result for read in self.cached_reads)

    @property
    def warm_is_local(self) -> bool:
        """Whether the filled cache spared HDFS every byte and every request for one."""
        return self.warm is None or self.warm.served == Served(0, 0)


@dataclass
class Outcome:
    """All that was measured: Spark's queries by name, and reads of what the other side cached, by description."""

    queries: dict[str, Comparison] = field(default_factory=dict)
    crossings: dict[str, Comparison] = field(default_factory=dict)
    foreign_uris: frozenset[str] = frozenset()

    def failures(self) -> list[str]:
        """What went against a promise, one sentence each."""
        found = []
        for name, comparison in (self.queries | self.crossings).items():
            if not comparison.equal:
                found.append(f"{name}: the result differs from that of plain HDFS")
            if not comparison.warm_is_local:
                found.append(f"{name}: read from HDFS although the cache was warm")
        if self.foreign_uris:
            found.append(f"the metastore holds other URIs than hdfs://: {', '.join(sorted(self.foreign_uris))}")
        return found

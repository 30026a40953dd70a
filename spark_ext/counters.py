"""What the cache did in a Spark application, asked of every process of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybridfs.stats import Miss
from spark_ext import live
from spark_ext.session import require_hybridfs

if TYPE_CHECKING:
    import pandas
    from pyspark.sql import SparkSession

REASONS = tuple(reason.value for reason in Miss)
LISTINGS = (
    "listings",
    "listings_reused",
    "listings_prefetched",
    "listing_rpcs",
    "listing_rpcs_plain",
    "statuses_reused",
)
HIT_BLOCKS = ("hit_blocks_map", "hit_blocks_memory", "hit_blocks_disk")


@dataclass(frozen=True)
class HostStatus:
    """Sums over one host's processes. Hits and misses are blocks; bytes are those delivered (cache) or fetched."""

    host: str
    processes: int
    hits: int
    misses: int
    bytes_from_cache: int
    bytes_from_origin: int

    def cells(self) -> tuple[str, ...]:
        """The row for people."""
        counts = (str(n) for n in (self.processes, self.hits, self.misses))
        return (self.host, *counts, human(self.bytes_from_cache), human(self.bytes_from_origin))


@dataclass(frozen=True)
class ProcessStatus:
    """The counters of one JVM since it started."""

    host: str
    pid: int
    id: str
    counters: dict[str, int]


@dataclass(frozen=True)
class Status:
    """What `status` found.

    Attributes:
        processes: the driver first, then the executors that answered.
        missing: executors that did not answer in time; their counters are not in the sums.
    """

    processes: tuple[ProcessStatus, ...]
    missing: int

    @property
    def hosts(self) -> list[HostStatus]:
        """One row a host, by name."""
        names = sorted({p.host for p in self.processes})
        return [_host(name, [p for p in self.processes if p.host == name]) for name in names]

    def total(self, counter: str) -> int:
        """Sum of a counter over all processes. Raises KeyError if there is no such counter."""
        return sum(p.counters[counter] for p in self.processes)

    @property
    def reasons(self) -> dict[str, int]:
        """Why blocks were missed and files passed through, as far as it happened; see docs/operating.md."""
        found = {reason: self.total(f"miss_{reason}") for reason in REASONS}
        return {reason: count for reason, count in found.items() if count}

    @property
    def listings(self) -> dict[str, int]:
        """How directories were listed, and what it took; see docs/listings.md."""
        return {counter: self.total(counter) for counter in LISTINGS}

    def to_pandas(self) -> pandas.DataFrame:
        """One row a process with all counters."""
        import pandas as pd

        return pd.DataFrame([{"host": p.host, "pid": p.pid, **p.counters} for p in self.processes])

    def __str__(self) -> str:
        head = ("host", "processes", "hits", "misses", "from cache", "from origin")
        rows = [head, *(host.cells() for host in self.hosts)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = ["  ".join(_aligned(cell, widths[i], i) for i, cell in enumerate(row)) for row in rows]
        if self.reasons:
            lines.append("missed or passed through: " + ", ".join(f"{n} {why}" for why, n in self.reasons.items()))
        if self.total("listings"):
            lines.append(_listed(self.listings))
        if self.missing:
            lines.append(f"{self.missing} executor(s) did not answer and are not counted")
        return "\n".join(lines)

    __repr__ = __str__


def _aligned(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if column else cell.ljust(width)


def _listed(counts: dict[str, int]) -> str:
    return (
        "{listings} listings, {listings_reused} from the cache and {listings_prefetched} fetched ahead: "
        "{listing_rpcs} calls of the NameNode instead of {listing_rpcs_plain}"
    ).format(**counts)


def _host(name: str, processes: list[ProcessStatus]) -> HostStatus:
    def total(counter: str) -> int:
        return sum(p.counters[counter] for p in processes)

    return HostStatus(
        host=name,
        processes=len(processes),
        hits=sum(total(counter) for counter in HIT_BLOCKS),
        misses=total("miss_blocks"),
        bytes_from_cache=total("hit_bytes"),
        bytes_from_origin=total("origin_bytes"),
    )


def human(size: float) -> str:
    """`1.5 MiB` of 1572864."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _process(text: str) -> ProcessStatus:
    found: dict[str, Any] = json.loads(text)
    return ProcessStatus(found.pop("host"), found.pop("pid"), found.pop("process"), counters=found)


def status(spark: SparkSession) -> Status:
    """Hits, misses, bytes from cache and from origin of a session's driver and executors, by host.

    Executors are asked by a small job, again if some were busy, for a bounded time; those that have ended are not in
    it.

    Raises:
        SparkSetupError: the session has no hybridfs, or is a Spark Connect one.
    """
    require_hybridfs(spark)
    driver = _process(live.snapshot(spark))
    others = [_process(text) for key, text in sorted(live.ask_executors(spark).items()) if key != driver.id]
    return Status((driver, *others), missing=max(0, live.executor_count(spark) - len(others)))

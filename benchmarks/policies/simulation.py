"""Hit ratios of policies over traces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from benchmarks.policies.ours import Ours
from benchmarks.policies.rivals import Clock, Lru, S3Fifo, Sieve
from benchmarks.policies.traces import Trace


class Policy(Protocol):
    """A cache of blocks of one size."""

    def hit(self, block: int, application: int = 0) -> bool:
        """Whether the block was there; else it is taken in."""


Policies = Mapping[str, Callable[[int], Policy]]  # by name; made for a capacity in blocks


@dataclass(frozen=True)
class Column:
    """A trace and the capacity in blocks of the caches that it is run on."""

    title: str
    trace: Trace
    capacity: int


def policies(fill_limit: float, seed: int) -> Policies:
    """Ours and its rivals. fill_limit: of the second row, as a share of the capacity."""
    return {
        "hybridfs": lambda capacity: Ours(capacity, seed=seed),
        f"hybridfs, fill limit {fill_limit:.0%}": lambda capacity: Ours(
            capacity, fill_limit=max(1, int(capacity * fill_limit)), seed=seed
        ),
        "LRU": Lru,
        "CLOCK": Clock,
        "SIEVE": Sieve,
        "S3-FIFO": S3Fifo,
    }


def variants(seed: int) -> Policies:
    """Ours with other constants than FORMAT.md section 7 has."""
    constants = [(looks, 0.05) for looks in (1, 2, 3, 4, 8)] + [(3, 0.02), (3, 0.1)]
    return {
        f"looks {looks}, batch {batch:.0%}": lambda capacity, looks=looks, batch=batch: Ours(  # type: ignore[misc]
            capacity, looks=looks, batch=batch, seed=seed
        )
        for looks, batch in constants
    }


def hit_ratio(policy: Policy, trace: Trace) -> float:
    """Hits ÷ accesses, the cold ones with them."""
    hits = sum(map(policy.hit, trace.blocks.tolist(), trace.applications.tolist()))
    return hits / len(trace)


def simulated(contenders: Policies, columns: Sequence[Column]) -> Iterable[tuple[str, list[float]]]:
    """Each contender's name and its hit ratio in each column."""
    for name, made in contenders.items():
        yield name, [hit_ratio(made(column.capacity), column.trace) for column in columns]

"""The Python half: each run in a fresh process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.bed import LINEITEM, WARM_UP, Bed, sending
from benchmarks.results import Series
from benchmarks.rounds import Rounds
from spark_ext.demo.workers import Worker

_RANDOM_READS = 4096
_PASSES = ("first", "again")


@dataclass(frozen=True)
class PythonWorkload:
    """contenders: names of READS by what the table calls them, the baseline first. cold: an empty cache each run."""

    name: str
    title: str
    file: str
    contenders: Mapping[str, str]
    warm_up_file: str = "small"
    cold: bool = False

    def series(self, bed: Bed, rounds: Rounds) -> list[Series]:
        """The runs of each contender in each pass, the baseline's first."""
        passes = ("cold",) if self.cold else _PASSES
        series = {
            (contender, reading): Series(self.title, contender, reading)
            for reading in passes
            for contender in self.contenders
        }
        for counts in rounds:
            for contender, read in self.contenders.items():
                runs, served = self._round(bed, read, len(passes))
                for reading, one in zip(passes, runs, strict=True):
                    if counts:
                        series[contender, reading].add(**one, served=served)
        return list(series.values())

    def _round(self, bed: Bed, read: str, passes: int) -> tuple[list[dict[str, float]], int]:
        """The passes of one fresh process, and the bytes that DataNodes sent meanwhile."""
        cache = "cold-cache" if self.cold else "cache"
        with Worker("benchmarks.python_worker", bed.scratch / "python-worker.log", bed.environment()) as worker:
            worker.ask("warm_up", read=read, target=_target(bed, self.warm_up_file, cache))
            with sending(bed, read.endswith("local")) as sent:
                runs = worker.ask("run", read=read, target=_target(bed, self.file, cache), passes=passes)
        if self.cold:
            bed.drop_cache(cache)
        return runs, sent()


def run(workloads: Iterable[PythonWorkload], bed: Bed, rounds: Rounds) -> Iterator[list[Series]]:
    """Runs one after the other."""
    for workload in workloads:
        yield workload.series(bed, rounds)


def _target(bed: Bed, name: str, cache: str) -> dict[str, Any]:
    reads = 64 if name == "small" else _RANDOM_READS
    return {"local": bed.local(name), "url": bed.url(name), "options": bed.options(cache), "reads": reads}


WORKLOADS = (
    PythonWorkload(
        "read",
        "read: Python, 1 MiB, hot",
        "large",
        {"plain open()": "read local", "hybridfs": "read cached"},
    ),
    PythonWorkload(
        "readinto",
        "readinto: Python, 1 MiB, hot",
        "large",
        {"plain open()": "readinto local", "hybridfs": "readinto cached"},
    ),
    PythonWorkload(
        "buffers",
        "buffers: pyarrow, 1 MiB, hot",
        "large",
        {"pyarrow.OSFile": "buffers local", "hybridfs": "buffers cached"},
    ),
    PythonWorkload(
        "random",
        "random: Python, 64 KiB, hot",
        "large",
        {"plain open()": "random local", "hybridfs": "random cached"},
    ),
    PythonWorkload(
        "dataset",
        "dataset: pyarrow, lineitem, hot",
        LINEITEM,
        {"local file": "dataset local", "hybridfs": "dataset cached"},
        warm_up_file=WARM_UP,
    ),
    PythonWorkload(
        "pandas",
        "pandas: 6 columns of lineitem, hot",
        LINEITEM,
        {"local file": "pandas local", "hybridfs": "pandas cached"},
        warm_up_file=WARM_UP,
    ),
    PythonWorkload(
        "fill",
        "fill: Python, whole file, cold",
        "cold",
        {
            "hdfs-native read_range(4 MiB)": "ranges bare",
            "hdfs-native read_range_stream": "stream bare",
            "hybridfs read(1 MiB)": "fill cached",
        },
        cold=True,
    ),
)

"""A metastore gives the same answers with and without hybridfs, and afterwards knows nothing of it."""

from __future__ import annotations

import re
from collections import Counter
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from spark_ext.bed import Hdfs, Metastore

STATEMENTS = Path(__file__).with_name("statements.sql")


def statements() -> list[str]:
    """Each ends with `;` at the end of a line; lines that begin with `--` are comments."""
    lines = [line for line in STATEMENTS.read_text(encoding="utf-8").splitlines() if not line.startswith("--")]
    return [part.strip() for part in re.split(r";$", "\n".join(lines), flags=re.MULTILINE) if part.strip()]


def differences(one: list[list[str]], other: list[list[str]]) -> list[list[str]]:
    """What entries of two metastores have not in common, for those that differ."""
    pairs = zip_longest(one, other, fillvalue=[])
    return [sorted((Counter(a) - Counter(b)) + (Counter(b) - Counter(a))) for a, b in pairs if a != b]


# Spark writes the SQL settings of a session into the views that it makes; this one is hybridfs's.
CARRIED_BY_VIEWS = "view.sqlConfig.spark.sql.sources.parallelPartitionDiscovery.threshold=2147483647"


def parts(line: str, base: str) -> list[str]:
    """What an entry of the metastore says, without the directory and the times of one run, in any order."""
    line = line.replace(base, "${base}")
    line = re.sub(r"(createTime|lastAccessTime|lastDdlTime):\d+", r"\1:T", line)
    line = re.sub(r"transient_lastDdlTime=\d+", "transient_lastDdlTime=T", line)
    return sorted(part for part in re.split(r"[,(){}\[\]]\s*", line) if part != CARRIED_BY_VIEWS)


class Run:
    """All statements in one driver against a metastore of their own, and what the metastore holds then."""

    def __init__(self, hdfs: Hdfs, base: str, new_driver: Any, options: dict[str, Any] | None) -> None:
        with Metastore(hdfs) as metastore:
            driver = new_driver()
            if options is None:
                driver.do("start", conf=metastore.spark_conf())
            else:
                driver.do("configure", conf=metastore.spark_conf(), **options)
            self.outcomes = {f"{i}: {s}": driver.do("sql", statement=s, base=base) for i, s in enumerate(statements())}
            self.counters = None if options is None else driver.do("status").processes[0].counters
            self.uris = metastore.uris()
            self.entries = sorted(parts(line, base) for line in metastore.dump())
            driver.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_statements_give_the_same_and_leave_no_trace(
    hdfs: Hdfs, hdfs_dir: str, new_driver: Any, cache_dir: Path
) -> None:
    plain = Run(hdfs, f"{hdfs_dir}/plain", new_driver, None)
    cached = Run(hdfs, f"{hdfs_dir}/cached", new_driver, {"cache_dir": str(cache_dir)})

    assert len(plain.outcomes) >= 45
    assert sum("error" in outcome for outcome in plain.outcomes.values()) >= 10, "failures are to be compared, too"
    assert cached.outcomes == plain.outcomes
    assert plain.entries
    assert differences(cached.entries, plain.entries) == []
    assert {uri.split(":")[0] for uri in cached.uris} == {"hdfs"}
    assert f"{hdfs_dir}/cached/sales.db/orders" in cached.uris
    assert cached.counters is not None
    assert cached.counters["hit_bytes"] > 0, "the statements were not served by the cache"

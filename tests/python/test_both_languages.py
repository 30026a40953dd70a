"""What Python and the jar must agree on beside the bytes: rules, switches, limits and what is counted."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hybridfs import HybridFileSystem
from spark_ext.bed import Hdfs
from tests.python.support import MIB, child, misses, pattern, talking_to
from tests.python.test_processes import Remote, jvm, result_of

SIZE = 8 * MIB
READ = """
import hashlib, json, sys
import fsspec, hybridfs
with fsspec.open(sys.argv[1], cache_dir=sys.argv[2], **json.loads(sys.argv[3])) as file:
    digest = hashlib.sha256(file.read()).hexdigest()
from tests.python.support import settle_process
settle_process()
print(json.dumps({"sha256": [digest], "stats": hybridfs.stats()}))
"""


@pytest.fixture(scope="module")
def files(hdfs: Hdfs) -> Iterator[list[Remote]]:
    """Two files of eight blocks."""
    host, port = hdfs.url.removeprefix("hdfs://").split(":")
    fs = HybridFileSystem(host, int(port), enabled=False)
    made = []
    for number in range(2):
        data = pattern(SIZE, seed=number)
        fs.pipe_file(f"/tests/agree/{number}.bin", data)
        made.append(Remote(f"{hdfs.url}/tests/agree/{number}.bin", hashlib.sha256(data).hexdigest()))
    yield made
    fs.rm("/tests/agree", recursive=True)


class Readers:
    """Each reads a file whole in a process of its own, and gives its counters."""

    def __init__(self, jar: Path, cache_dir: Path, temporary: Path) -> None:
        self._jar = jar
        self._cache_dir = cache_dir
        self._temporary = temporary

    def python(self, file: Remote, **options: Any) -> dict[str, int]:
        with child(READ, file.hybrid, self._cache_dir, json.dumps(options)) as process:
            return self._counts(file, result_of(process))

    def java(self, file: Remote, **options: Any) -> dict[str, int]:
        with talking_to(jvm(self._jar, self._cache_dir, file, 1, self._temporary, **options), os.environ) as process:
            return self._counts(file, result_of(process))

    @staticmethod
    def _counts(file: Remote, found: dict[str, Any]) -> dict[str, int]:
        assert found["sha256"] == [file.sha256]
        assert found["stats"]["tier_faults"] == 0
        counts: dict[str, int] = found["stats"]
        return counts


@pytest.fixture
def readers(jar: Path, cache_dir: Path, tmp_path: Path) -> Readers:
    return Readers(jar, cache_dir, tmp_path)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"exclude": "/tests/*/"}, "excluded"),
        ({"include": ["/other/**"]}, "excluded"),
        ({"max_file_size": SIZE - 1}, "too_large"),
        ({"enabled": False}, "disabled"),
    ],
)
def test_what_is_passed_through(readers: Readers, files: list[Remote], options: dict[str, Any], reason: str) -> None:
    for read in (readers.python, readers.java):
        counts = read(files[0], **options)
        assert misses(counts) == {reason: 1}
        assert counts["miss_blocks"] == counts["published_blocks"] == counts["hit_bytes"] == 0


def test_the_switch_of_the_host(readers: Readers, files: list[Remote], cache_dir: Path) -> None:
    assert misses(readers.python(files[0])) == {"cold": 8}
    (cache_dir / "disabled").touch()
    for read in (readers.python, readers.java):
        assert misses(read(files[0])) == {"disabled": 1}
    (cache_dir / "disabled").unlink()
    for read in (readers.python, readers.java):
        counts = read(files[0])
        assert misses(counts) == {}
        assert counts["hit_bytes"] == SIZE
        assert counts["hit_blocks_disk"] == 8, "each block is a hit once, however it is read"


@pytest.mark.parametrize("first", ["python", "java"])
def test_one_fill_limit_for_an_application_of_both(readers: Readers, files: list[Remote], first: str) -> None:
    """Each process may keep a part of a MiB to itself, and begins with a random one."""
    order = [readers.python, readers.java] if first == "python" else [readers.java, readers.python]
    options = {"application": "nightly load", "fill_limit": "10MiB"}
    counts = [read(file, **options) for read, file in zip(order, files, strict=True)]
    assert counts[0]["published_blocks"] == 8
    assert misses(counts[0]) == {"cold": 8}
    assert 1 <= counts[1]["published_blocks"] <= 4
    assert misses(counts[1]) == {"cold": counts[1]["published_blocks"], "fill_limit": 8 - counts[1]["published_blocks"]}
    assert misses(order[1](files[1], **options))["fill_limit"] == 8 - counts[1]["published_blocks"], "hits go on"

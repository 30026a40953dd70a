"""Several processes, Python's and a JVM, on one cache directory and a real HDFS. The DataNodes say what was read."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hybridfs import HybridFileSystem
from hybridfs.config import hadoop_options
from spark_ext.bed import Hdfs
from spark_ext.bed.tools import java
from tests.python.support import MIB, Child, blocks_in, children, pattern, talking_to, temporary_files, wait_for

SIZE = 256 * MIB

READ = """
import hashlib, json, sys
from concurrent.futures import ThreadPoolExecutor
import fsspec, hybridfs

def read(_):
    digest = hashlib.sha256()
    with fsspec.open(sys.argv[1], cache_dir=sys.argv[2]) as file:
        while data := file.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()

print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(int(sys.argv[3])) as pool:
    digests = set(pool.map(read, range(int(sys.argv[3]))))
print(json.dumps({"sha256": sorted(digests), "stats": hybridfs.stats()}))
"""


@dataclass(frozen=True)
class Remote:
    """A file on HDFS."""

    url: str
    sha256: str

    @property
    def hybrid(self) -> str:
        return self.url.replace("hdfs://", "hybridfs://")


@pytest.fixture(scope="module")
def large(hdfs: Hdfs) -> Iterator[Remote]:
    data = b"".join(pattern(MIB, seed=number) for number in range(SIZE // MIB))
    host, port = hdfs.url.removeprefix("hdfs://").split(":")
    fs = HybridFileSystem(host, int(port), enabled=False)
    fs.pipe_file("/tests/large.bin", data)
    yield Remote(f"{hdfs.url}/tests/large.bin", hashlib.sha256(data).hexdigest())
    fs.rm("/tests/large.bin")


def jvm(jar: Path, cache_dir: Path, file: Remote, threads: int, temporary: Path, **options: Any) -> list[str]:
    """The command of a JVM whose threads read the file; ``options`` as Python names them."""
    pyspark = importlib.util.find_spec("pyspark")
    assert pyspark is not None
    assert pyspark.origin is not None
    classpath = [jar, Path(pyspark.origin).parent / "jars" / "*"]
    given = hadoop_options(cache_dir=str(cache_dir), **options)
    flags = ["-Xmx512m", "-XX:+UseSerialGC", f"-Djava.io.tmpdir={temporary}"]  # all compilers: SHA-256 is the work
    command = [java(), *flags, "-cp", os.pathsep.join(map(str, classpath)), "io.hybridfs.ReadTool"]
    return [*command, *(word for key in given for word in ("-D", f"{key}={given[key]}")), file.url, str(threads)]


def result_of(process: Child) -> dict[str, Any]:
    (line,) = (line for line in process.rest() if line.startswith("{"))
    found: dict[str, Any] = json.loads(line)
    return found


def start_together(processes: list[Child]) -> None:
    assert [process.hear() for process in processes] == ["ready"] * len(processes)
    for process in processes:
        process.tell("go")


def wait_for_blocks(cache_dir: Path) -> None:
    wait_for(lambda: next(cache_dir.glob("v1/hdfs-*/*/*/*"), None), "the first block is published", 60)


def check_all(results: list[dict[str, Any]], file: Remote, cache_dir: Path) -> None:
    assert [found["sha256"] for found in results] == [[file.sha256]] * len(results)
    assert {found["stats"]["corrupt"] + found["stats"]["tier_faults"] for found in results} == {0}
    assert len(blocks_in(cache_dir)) == SIZE // MIB
    assert temporary_files(cache_dir) == []


def test_eight_readers_in_five_processes_fetch_once(
    hdfs: Hdfs, jar: Path, large: Remote, cache_dir: Path, tmp_path: Path, figures: Counter[str]
) -> None:
    """Four Python processes and a JVM with four threads read one cold file at once."""
    before = hdfs.served()
    with (
        children(READ, [(large.hybrid, cache_dir, 1)] * 4) as pythons,
        talking_to(jvm(jar, cache_dir, large, 4, tmp_path), os.environ) as java,
    ):
        wait_for_blocks(cache_dir)  # the JVM, which takes longest to start, has begun
        start_together(pythons)
        results = [result_of(process) for process in [java, *pythons]]
    served = hdfs.served() - before
    check_all(results, large, cache_dir)
    assert results[0]["stats"]["origin_bytes"] < SIZE, "others fetched, too"
    assert all(found["stats"]["hit_bytes"] > 0 for found in results)
    assert served.bytes <= 1.05 * SIZE
    figures["bytes served by HDFS per 1000 bytes of a file that 8 readers read cold"] = 1000 * served.bytes // SIZE
    before = hdfs.served()
    with children(READ, [(large.hybrid, cache_dir, 2)]) as (again,):
        start_together([again])
        assert result_of(again)["sha256"] == [large.sha256]
    assert hdfs.served() == before, "and now nobody needs HDFS"


def test_eight_readers_in_four_python_processes_fetch_once(hdfs: Hdfs, large: Remote, cache_dir: Path) -> None:
    before = hdfs.bytes_read()
    with children(READ, [(large.hybrid, cache_dir, 2)] * 4) as pythons:
        start_together(pythons)
        check_all([result_of(process) for process in pythons], large, cache_dir)
    assert hdfs.bytes_read() - before <= 1.05 * SIZE


@pytest.mark.parametrize("first", ["python", "java"])
def test_each_language_reads_what_the_other_has_cached(
    hdfs: Hdfs, jar: Path, large: Remote, cache_dir: Path, tmp_path: Path, first: str
) -> None:
    def by_python() -> dict[str, Any]:
        with children(READ, [(large.hybrid, cache_dir, 1)]) as (process,):
            start_together([process])
            return result_of(process)

    def by_java() -> dict[str, Any]:
        with talking_to(jvm(jar, cache_dir, large, 1, tmp_path), os.environ) as process:
            return result_of(process)

    readers = [by_python, by_java] if first == "python" else [by_java, by_python]
    before = hdfs.served()
    check_all([readers[0]()], large, cache_dir)
    filled = hdfs.served()
    assert filled.bytes - before.bytes >= SIZE
    found = readers[1]()
    assert hdfs.served() == filled
    assert found["sha256"] == [large.sha256]
    assert (found["stats"]["hit_bytes"], found["stats"]["corrupt"], found["stats"]["miss_blocks"]) == (SIZE, 0, 0)


def test_a_process_killed_while_it_fetches_holds_up_nobody(large: Remote, cache_dir: Path) -> None:
    with children(READ, [(large.hybrid, cache_dir, 1)] * 3) as pythons:
        start_together(pythons)
        wait_for_blocks(cache_dir)
        pythons[0].kill()
        results = [result_of(process) for process in pythons[1:]]
    assert [found["sha256"] for found in results] == [[large.sha256]] * 2
    assert {found["stats"]["lock_timeouts"] for found in results} == {0}

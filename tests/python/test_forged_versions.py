"""A file put in the place of another one, as long and with its time, by who may write to the directory."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from spark_ext.bed import Hdfs
from tests.python.support import MIB, pattern
from tests.python.test_both_languages import Readers
from tests.python.test_processes import Remote

SECRET, FORGED = pattern(2 * MIB, seed=1), pattern(2 * MIB, seed=2)


@pytest.mark.parametrize("reader", ["python", "java"])
@pytest.mark.parametrize("filler", ["python", "java"])
def test_who_may_write_to_a_directory_gets_nothing_that_is_cached_of_it(
    hdfs: Hdfs, jar: Path, cache_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filler: str, reader: str
) -> None:
    """bob may rename alice's file away: HDFS lets him destroy it, and not read it."""
    directory = f"/tests/forged-{filler}-{reader}"
    path = f"{directory}/secret"
    hdfs.web("PUT", directory, op="MKDIRS", permission="777")
    hdfs.put(path, SECRET, "alice", "600")
    readers = Readers(jar, cache_dir, tmp_path)

    def read(language: str, user: str, data: bytes) -> dict[str, int]:
        monkeypatch.setenv("HADOOP_USER_NAME", user)
        file = Remote(f"{hdfs.url}{path}", hashlib.sha256(data).hexdigest())
        counts: dict[str, int] = getattr(readers, language)(file, freshness="0")
        return counts

    read(filler, "alice", SECRET)
    assert read(reader, "alice", SECRET)["miss_blocks"] == 0  # else nothing could leak
    then = hdfs.web("GET", path, "bob", op="GETFILESTATUS")["FileStatus"]
    hdfs.web("PUT", path, "bob", op="RENAME", destination=f"{directory}/away")
    hdfs.put(path, FORGED, "bob", "644")
    hdfs.web("PUT", path, "bob", op="SETTIMES", modificationtime=then["modificationTime"])
    now = hdfs.web("GET", path, "bob", op="GETFILESTATUS")["FileStatus"]
    assert [now[key] for key in ("modificationTime", "length")] == [then[key] for key in ("modificationTime", "length")]
    assert read(reader, "bob", FORGED)["hit_bytes"] == 0
    hdfs.web("DELETE", directory, op="DELETE", recursive="true")

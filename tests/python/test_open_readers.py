"""A reader that is open while its file changes on a real HDFS: old bytes or an error, never a mix."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridfs import FileChanged, HybridFileSystem
from spark_ext.bed import Hdfs
from tests.python.support import MIB, settle_process, wait_for

OLD, NEW = os.urandom(8 * MIB), os.urandom(8 * MIB)
Change = Callable[[Hdfs, HybridFileSystem, str], bytes]


def overwritten(hdfs: Hdfs, fs: HybridFileSystem, path: str) -> bytes:
    fs.pipe_file(path, NEW)
    return NEW


def renamed_over(hdfs: Hdfs, fs: HybridFileSystem, path: str) -> bytes:
    fs.pipe_file(path + ".new", NEW)
    fs.origin.fs.client.rename(path + ".new", path, True)
    return NEW


def appended(hdfs: Hdfs, fs: HybridFileSystem, path: str) -> bytes:
    with fs.open(path, "ab") as file:
        file.write(NEW)
    return OLD + NEW


def truncated(hdfs: Hdfs, fs: HybridFileSystem, path: str) -> bytes:
    hdfs.web("POST", path, op="TRUNCATE", newlength=str(4 * MIB))
    return OLD[: 4 * MIB]


def truncated_and_appended(hdfs: Hdfs, fs: HybridFileSystem, path: str) -> bytes:
    """To the same length, in the same HDFS block: a DataNode serves who asks for its old state with the new one."""
    truncated(hdfs, fs, path)

    def grows() -> bool:
        try:
            with fs.open(path, "ab") as file:  # refused until the block's end is recovered
                file.write(NEW[4 * MIB :])
        except OSError:
            return False
        return True

    wait_for(grows, "the file can be appended to", 60)
    return OLD[: 4 * MIB] + NEW[4 * MIB :]


def deleted(hdfs: Hdfs, fs: HybridFileSystem, path: str) -> bytes:
    fs.rm_file(path)
    return b""


@pytest.mark.parametrize("change", [overwritten, renamed_over, appended, truncated, truncated_and_appended, deleted])
def test_old_bytes_or_an_error(hdfs: Hdfs, hdfs_dir: str, cache_dir: Path, change: Change) -> None:
    path = "/" + hdfs_dir.removeprefix("hdfs://").partition("/")[2] + "/a.bin"
    host, port = hdfs.url.removeprefix("hdfs://").split(":")
    writer = HybridFileSystem(host, int(port), enabled=False)
    writer.pipe_file(path, OLD)
    fs = HybridFileSystem(host, int(port), cache_dir=str(cache_dir), readahead=0, fetch_size="1MiB")
    with fs.open(path) as file:
        assert file.read(100) == OLD[:100]
        settle_process(str(cache_dir))
        now = change(hdfs, writer, path)
        for offset in (6 * MIB, 5 * MIB, 7 * MIB + 3):
            with pytest.raises(FileChanged, match="REFRESH TABLE"):
                file.pread(offset, 1000)
        assert file.pread(50, 1000) == OLD[50:1050], "what is cached is still the old version's"
    if now:
        assert fs.cat_file(path) == now
    else:
        with pytest.raises(FileNotFoundError):
            fs.cat_file(path)

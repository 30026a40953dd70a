"""Encryption zones of an HDFS whose keys a KMS keeps, and the search for what they hide."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spark_ext.bed import Hdfs
from spark_ext.bed.daemon import java_command, run_java
from spark_ext.bed.jars import jars
from tests.security.bed.kms import Kms
from tests.security.matrix_beds import memory_of

_CRYPTO_ADMIN = "org.apache.hadoop.hdfs.tools.CryptoAdmin"
_WINDOW = 32  # bytes of it that stand somewhere are no chance
_STRIDE = 4096


@contextmanager
def zoned_hdfs(scratch: Path, **options: object) -> Iterator[tuple[Hdfs, Kms]]:
    """An HDFS in an existing directory, whose clients' configuration names a KMS. ``options``: more properties."""
    with Kms() as kms, Hdfs(datanodes=1, scratch=scratch, conf={**kms.hadoop_conf(), **options}) as hdfs:
        yield hdfs, kms


def make_zone(hdfs: Hdfs, path: str, key: str) -> None:
    """Make the empty directory ``path`` a zone of ``key``."""
    with tempfile.TemporaryDirectory(prefix="hybridfs-crypto-") as temporary:
        tool = java_command(_CRYPTO_ADMIN, [hdfs.conf_dir, jars() / "*"], Path(temporary))
        run_java([*tool, "-createZone", "-keyName", key, "-path", path])


def plaintext_in(root: Path, data: bytes) -> int:
    """How many of the windows of ``data`` (the first and then 32 bytes of each 4 KiB) stand in files of a root.

    Every file under it and under its memory tier is looked at, whatever its name.
    """
    windows = {data[at : at + _WINDOW] for at in range(0, len(data) - _WINDOW + 1, _STRIDE)}
    found: set[bytes] = set()
    for file in _files(root):
        content = file.read_bytes()
        found |= {window for window in windows - found if window in content}
    return len(found)


def windows_of(data: bytes) -> int:
    """How many windows `plaintext_in` looks for."""
    return len(range(0, len(data) - _WINDOW + 1, _STRIDE))


def _files(root: Path) -> list[Path]:
    directories = [root, memory_of(root)] if (root / "cache-id").exists() else [root]
    return [path for directory in directories for path in directory.rglob("*") if path.is_file()]

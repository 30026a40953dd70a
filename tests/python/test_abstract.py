"""fsspec's own abstract suites over HDFS and over local files."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.tests import abstract

from hybridfs import HybridFileSystem
from spark_ext.bed import Hdfs


class HybridFixtures(abstract.AbstractFixtures):
    @pytest.fixture(scope="class")
    @classmethod
    def root(cls) -> Iterator[Path]:
        directory = Path(tempfile.mkdtemp(prefix="hybridfs-abstract-"))
        yield directory
        shutil.rmtree(directory, ignore_errors=True)

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return True


class HdfsFixtures(HybridFixtures):
    @pytest.fixture(scope="class")
    @classmethod
    def fs(cls, hdfs: Hdfs, root: Path) -> HybridFileSystem:
        host, port = hdfs.url.removeprefix("hdfs://").split(":")
        return HybridFileSystem(host, int(port), cache_dir=str(root / "cache"))

    @pytest.fixture
    def fs_path(self) -> str:
        return f"/abstract-{uuid.uuid4().hex}"


class LocalFixtures(HybridFixtures):
    @pytest.fixture(scope="class")
    @classmethod
    def fs(cls, root: Path) -> HybridFileSystem:
        options = {"auto_mkdir": True}
        return HybridFileSystem(target_protocol="file", target_options=options, cache_dir=str(root / "cache"))

    @pytest.fixture
    def fs_path(self, root: Path) -> str:
        return str(root / f"data-{uuid.uuid4().hex}")


SUITES = [getattr(abstract, name) for name in dir(abstract) if name.startswith("Abstract") and name.endswith("Tests")]

for suite in SUITES:
    for fixtures in (HdfsFixtures, LocalFixtures):
        name = f"Test{suite.__name__.removeprefix('Abstract').removesuffix('Tests')}On{fixtures.__name__[:-8]}"
        globals()[name] = type(name, (fixtures, suite), {})


def test_all_suites_are_here() -> None:
    assert len(SUITES) == 5  # copy, get, open, pipe, put
    assert fsspec.get_filesystem_class("hybridfs") is HybridFileSystem

"""The format to the byte: golden roots of both engines (FORMAT.md sections 1 to 4 and 6)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from hybridfs import config
from hybridfs.blocks import CachedBlock
from hybridfs.layout import Identity, block_name, block_path, domain_name, flight_offset
from hybridfs.root import open_root
from hybridfs.stats import Stats
from hybridfs.store import Store
from hybridfs.trailer import make_trailer
from tests.golden.make import HERE, golden_bytes, make

MAKERS = ("python", "java")


def vectors(maker: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((HERE / maker / "vectors.json").read_text(encoding="utf-8"))
    return found


def files_of(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def identity_of(vector: dict[str, Any]) -> Identity:
    return Identity(vector["domain"], vector["uri"], vector["token"], vector["length"])


def test_the_generator_makes_the_committed_root(tmp_path: Path) -> None:
    make(tmp_path / "made")
    made, committed = files_of(tmp_path / "made"), files_of(HERE / "python")
    assert made.keys() == committed.keys()
    assert [name for name in made if made[name] != committed[name]] == []


@pytest.mark.parametrize("maker", MAKERS)
def test_names_offsets_and_trailers_are_as_written(maker: str) -> None:
    assert len(vectors(maker)) >= 9
    for vector in vectors(maker):
        identity, number, block_size = identity_of(vector), vector["block"], vector["block_size"]
        assert domain_name(vector["domain_raw"]) == vector["domain"]
        assert block_name(identity, number, block_size) == vector["name"]
        assert block_path(identity, number, block_size) == vector["path"]
        assert identity.block_length(number, block_size) == vector["data_length"]
        assert flight_offset(identity, number, block_size) == vector["flight_offset"]


@pytest.mark.parametrize("maker", MAKERS)
def test_the_golden_root_is_read_and_would_be_written_the_same(maker: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(HERE / maker / "root", root)
    root.chmod(0o700)  # a checkout has the modes of its umask
    opened, stats = open_root(str(root), None), Stats()
    store = Store(opened, config.settings(cache_dir=str(root), min_free=0), stats)
    for vector in vectors(maker):
        assert opened.block_size == vector["block_size"]
        identity, number, validator = identity_of(vector), vector["block"], vector["validator"]
        expected = golden_bytes(number * opened.block_size, vector["data_length"])
        block = store.lookup(identity, number, validator)
        assert isinstance(block, CachedBlock)
        assert block.data() == block.read(0, len(expected)) == expected
        trailer = make_trailer(store.spec(identity, number, validator), memoryview(expected))
        assert (root / vector["path"]).read_bytes() == expected + trailer
        assert f"{int.from_bytes(trailer[-16:-8], 'little'):016x}" == vector["trailer_xxh64"]
    store.close()
    assert stats.snapshot()["corrupt"] == 0
    blocks = [path for path in (root / "v1").glob("*/*/*/*") if path.is_file()]
    assert len(blocks) == len(vectors(maker))

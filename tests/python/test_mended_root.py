"""A root that could not be used when a process first opened it is used once it can be."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hybridfs import config, engine
from hybridfs.runtime import Runtime
from hybridfs.store import NoStore, Store


def test_a_root_is_tried_again_after_a_while(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = Runtime()
    settings = config.settings(cache_dir=cache_dir, min_free=0)
    cache_dir.chmod(0o777)
    assert isinstance(runtime.engine(settings).store, NoStore)
    assert runtime.engine(settings) is runtime.engine(settings), "not at once"
    monkeypatch.setattr(engine, "REST_SECONDS", 0.0)
    assert isinstance(runtime.engine(settings).store, NoStore)
    assert len(caplog.records) == 1, "it is told once"
    cache_dir.chmod(0o700)
    mended = runtime.engine(settings)
    assert isinstance(mended.store, Store)
    assert runtime.engine(settings) is mended


def test_a_session_that_is_switched_off_is_not_tried_again(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "REST_SECONDS", 0.0)
    runtime = Runtime()
    settings = config.settings(cache_dir=cache_dir, enabled=False)
    assert runtime.engine(settings) is runtime.engine(settings)


def test_a_root_without_a_disk_tier_is_tried_again(
    cache_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "REST_SECONDS", 0.0)
    tier = tmp_path / "tier"
    tier.mkdir()
    tier.chmod(0o777)
    runtime = Runtime()
    settings = config.settings(cache_dir=cache_dir, disk=[(str(tier), "1GiB")], memory="1MiB")
    assert isinstance(runtime.engine(settings).store, NoStore)
    tier.chmod(0o700)
    store = runtime.engine(settings).store
    assert isinstance(store, Store)
    assert [tier.kind for tier in store.tiers] == ["memory", "disk"]
    shutil.rmtree(store.tiers[0].directory)

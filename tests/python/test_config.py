"""Options: what they accept, and what the errors tell."""

from __future__ import annotations

import math
import os
from typing import Any

import pytest

from hybridfs import BadOption, HybridFileSystem, config, values

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("200GiB", 200 * GIB),
        ("8MiB", 8 * MIB),
        ("64KiB", 64 * KIB),
        ("1GB", 10**9),
        ("1gb", 10**9),
        ("5k", 5 * KIB),
        ("1.5 GiB", 3 * GIB // 2),
        (" 2TiB ", 2 << 40),
        ("4096", 4096),
        ("4096B", 4096),
        (4096, 4096),
        ("0", 0),
    ],
)
def test_sizes(text: object, size: int) -> None:
    assert values.parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("500ms", 0.5), ("5m", 300), ("5min", 300), ("2h", 7200), ("0", 0), (1.5, 1.5)]
)
def test_durations(text: object, seconds: float) -> None:
    assert math.isclose(values.parse_duration(text), seconds)


BAD = [
    ("disk", "20 gigs", "200GiB"),
    ("disk", "-1", "200GiB"),
    ("disk", "", "200GiB"),
    ("disk", True, "200GiB"),
    ("disk", None, "disk"),
    ("disk", "relative=1GiB", "/ssd/cache=200GiB"),
    ("disk", "/ssd=1GiB,/hdd", "/ssd/cache=200GiB"),
    ("disk", [("/ssd",)], "/ssd/cache=200GiB"),
    ("disk", [], "/ssd/cache=200GiB"),
    ("disk", "/ssd=much", "200GiB"),
    ("memory", "lots", "200GiB"),
    ("min_free", "1 XiB", "200GiB"),
    ("block_size", "1MB", "power of two"),
    ("block_size", "32KiB", "64KiB"),
    ("block_size", "32MiB", "16MiB"),
    ("freshness", "soon", "30s"),
    ("freshness", "1w", "30s"),
    ("lock_timeout", "-5s", "30s"),
    ("listings", "cached", "validated"),
    ("listings", True, "bounded"),
    ("enabled", "yes", "true or false"),
    ("enabled", "1", "true or false"),
    ("fetch_size", "0", "more than 0"),
    ("fetch_streams", "many", "whole number"),
    ("fetch_streams", "0", "more than 0"),
    ("cache_dir", "relative/path", "absolute"),
    ("cache_dir", "", "absolute"),
    ("cache_dir", 7, "cache_dir"),
    ("max_file_size", "big", "200GiB"),
    ("max_file_size", "-1", "200GiB"),
    ("max_age", "a week", "30s"),
    ("max_age", "-1d", "30s"),
    ("fill_limit", "half", "200GiB"),
    ("application", "..", "nightly-load"),
    ("application", 7, "nightly-load"),
    ("authorize", "never", "write open"),
    ("authorize", "", "write open"),
    ("user", "alice@CLOUD", "like alice"),
    ("user", "hdfs/nn1", "like alice"),
    ("user", "a\nb", "like alice"),
    ("user", 7, "like alice"),
    ("cache_encrypted", "yes", "true or false"),
    ("audit", "audit.log", "absolute path"),
    ("audit", "/var/log/", "absolute path"),
]


@pytest.mark.parametrize(("name", "value", "way_out"), BAD)
def test_a_bad_value_is_named_with_its_option_and_the_way_out(name: str, value: object, way_out: str) -> None:
    with pytest.raises(BadOption) as caught:
        config.settings(**{name: value})
    text = str(caught.value)
    assert name in text
    assert repr(value) in text or any(repr(part) in text for part in str(value).replace("=", ",").split(","))
    assert way_out in text


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("cachedir", "cache_dir"), ("blocksize", "block_size"), ("fresh", "freshness"), ("readahed", "readahead")],
)
def test_an_unknown_option_gets_the_nearest_name(wrong: str, right: str) -> None:
    with pytest.raises(BadOption, match=f"'{wrong}'.*did you mean '{right}'"):
        config.settings(**{wrong: 1})


def test_an_option_like_no_other_gets_the_list() -> None:
    with pytest.raises(BadOption, match=r"'xyzzy'; options are: cache_dir, disk"):
        config.settings(xyzzy=1)


def test_the_filesystem_refuses_what_config_refuses() -> None:
    with pytest.raises(ValueError, match="did you mean 'cache_dir'"):
        HybridFileSystem(target_protocol="memory", cachedir="/tmp/x")


def test_defaults_are_the_documented_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    settings = config.settings()
    assert settings == config.settings(**{name: option.default for name, option in config.OPTIONS.items()})
    assert settings.cache_dir == "/xdg/hybridfs"
    assert settings.disk_tiers == (("/xdg/hybridfs", 20 * GIB),)
    assert (settings.memory, settings.min_free, settings.block_size) == (0, GIB, None)
    assert (settings.freshness, settings.lock_timeout, settings.enabled) == (30, 60, True)
    assert settings.listings == "validated"
    assert (settings.fetch_size, settings.fetch_streams, settings.readahead) == (8 * MIB, 8, 32 * MIB)
    assert (settings.include, settings.exclude, settings.application) == ((), (), "")
    assert (settings.max_file_size, settings.max_age, settings.fill_limit) == (0, 0, 0)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/somebody")
    assert config.settings().cache_dir == "/somebody/.cache/hybridfs"
    assert config.settings(cache_dir="~/x").cache_dir == "/somebody/x"


@pytest.mark.parametrize(
    "disk",
    ["/ssd/a=1GiB,/hdd/b=2GiB", [("/ssd/a", "1GiB"), ("/hdd/b", "2GiB")], (["/ssd/a", GIB], ["/hdd/b", 2 * GIB])],
)
def test_disk_tiers_in_every_spelling(disk: Any) -> None:
    settings = config.settings(disk=disk)
    assert settings.disk_tiers == (("/ssd/a", GIB), ("/hdd/b", 2 * GIB))
    assert hash(settings) == hash(config.settings(disk=disk))


def test_hadoop_keys_say_the_same() -> None:
    keys = config.hadoop_options(
        cache_dir="/c",
        disk=[("/c", "1GiB"), ("/d", "2GiB")],
        min_free="0",
        enabled=False,
        map_budget="1MiB",
        block_size=None,
        max_file_size="2GiB",
        max_age="7d",
        fill_limit="10GiB",
        application="nightly load",
        exclude="/tmp/,**.tmp",
        authorize="fill",
        user="alice",
        cache_encrypted=True,
        audit="/var/log/hybridfs.log",
        listings="bounded",
    )
    assert keys == {
        "fs.hybridfs.cache.dir": "/c",
        "fs.hybridfs.disk": "/c=1GiB,/d=2GiB",
        "fs.hybridfs.min.free": "0",
        "fs.hybridfs.enabled": "false",
        "fs.hybridfs.max.file.size": "2GiB",
        "fs.hybridfs.max.age": "604800s",
        "fs.hybridfs.fill.limit": "10GiB",
        "fs.hybridfs.application": "nightly load",
        "fs.hybridfs.exclude": "/tmp/,**.tmp",
        "fs.hybridfs.authorize": "fill",
        "fs.hybridfs.user": "alice",
        "fs.hybridfs.cache.encrypted": "true",
        "fs.hybridfs.audit": "/var/log/hybridfs.log",
        "fs.hybridfs.listings": "bounded",
    }
    with pytest.raises(BadOption, match="option block_size"):
        config.hadoop_options(block_size="1MB")


def test_the_environment_sets_options(monkeypatch: pytest.MonkeyPatch, tmp_path: os.PathLike[str]) -> None:
    """Through fsspec, which reads it when a process starts."""
    from fsspec.config import conf, set_conf_env

    before = dict(conf)
    monkeypatch.setenv("FSSPEC_HYBRIDFS_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("FSSPEC_HYBRIDFS_FRESHNESS", "5m")
    monkeypatch.setenv("FSSPEC_HYBRIDFS_EXCLUDE", "/tmp/,**.tmp")
    monkeypatch.setenv("FSSPEC_HYBRIDFS_MAX_FILE_SIZE", "2GiB")
    try:
        set_conf_env(conf)
        fs = HybridFileSystem(target_protocol="memory", skip_instance_cache=True)
    finally:
        conf.clear()
        conf.update(before)
    assert (fs._settings.cache_dir, fs._settings.freshness) == (str(tmp_path), 300)
    assert (fs._settings.exclude, fs._settings.max_file_size) == (("/tmp/", "**.tmp"), 2 * GIB)

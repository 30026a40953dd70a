"""Options: one table, in every spelling (Python keyword, Hadoop key, environment variable)."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hybridfs import values
from hybridfs.errors import BadOption
from hybridfs.globs import parse_globs


def default_cache_dir() -> str:
    """The root when none is named, shared with the jar: ``$XDG_CACHE_HOME/hybridfs``, else ``~/.cache/hybridfs``."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "hybridfs")


@dataclass(frozen=True)
class Option:
    """A row of the options table."""

    name: str
    default: str | None  # as a user would write it; None: see doc
    parse: Callable[[Any], Any]
    doc: str
    write: Callable[[Any], str] = str  # a parsed value as both languages read it
    hadoop: bool = True  # whether the jar knows it, too

    @property
    def hadoop_key(self) -> str:
        return "fs.hybridfs." + self.name.replace("_", ".")

    @property
    def environment(self) -> str:
        return "FSSPEC_HYBRIDFS_" + self.name.upper()


OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
        Option("cache_dir", None, values.parse_directory, "root of the cache and first disk tier; ~/.cache/hybridfs"),
        Option(
            "disk",
            "20GiB",
            values.parse_tiers,
            "budget of cache_dir, or disk tiers: /ssd/cache=200GiB,/hdd/cache=1TiB",
            write=values.write_tiers,
        ),
        Option(
            "memory",
            "0",
            values.parse_size,
            "budget of the memory tier (tmpfs) above the disk tiers; 0: none",
            write=values.write_size,
        ),
        Option(
            "min_free",
            "1GiB",
            values.parse_size,
            "free space to leave on the volume of each disk tier",
            write=values.write_size,
        ),
        Option(
            "block_size",
            None,
            values.parse_block_size,
            "of a root, recorded when it is made (1MiB then); another value is an error",
            write=values.write_size,
        ),
        Option(
            "freshness",
            "30s",
            values.parse_duration,
            "how long a granted permission and a listing may be reused; 0: ask each time",
            write=values.write_duration,
        ),
        Option(
            "authorize",
            "open",
            values.parse_authorize,
            "when the NameNode decides who may read: at each open, or with `fill` where bytes are fetched; blocks are "
            "of one user then",
        ),
        Option("user", "", values.parse_user, "that user's short name at the NameNode; empty: the process's"),
        Option(
            "cache_encrypted",
            "false",
            values.parse_bool,
            "true: keep the plaintext of encryption zones, in a private root only",
            write=values.write_bool,
        ),
        Option("audit", "", values.parse_audit, "file to which each open appends a line; empty: none"),
        Option(
            "listings",
            "validated",
            values.parse_listings,
            "who answers listings of HDFS: `origin`; `validated`, in a scan of many directories also what was kept of "
            "those that did not change; `bounded`, whatever was kept less than freshness ago",
        ),
        Option("enabled", "true", values.parse_bool, "false: every read goes to the origin", write=values.write_bool),
        Option(
            "fetch_size",
            "8MiB",
            values.positive(values.parse_size),
            "largest run of blocks fetched in one read of the origin",
            write=values.write_size,
        ),
        Option(
            "fetch_streams", "8", values.positive(values.parse_count), "concurrent reads of the origin in one process"
        ),
        Option(
            "readahead",
            "32MiB",
            values.parse_size,
            "window ahead of a sequential read of uncached data",
            write=values.write_size,
        ),
        Option("map_budget", "256MiB", values.parse_size, "open and mapped blocks kept in one process", hadoop=False),
        Option(
            "lock_timeout",
            "60s",
            values.parse_duration,
            "how long to wait for another process that fetches a block",
            write=values.write_duration,
        ),
        Option(
            "include",
            "",
            parse_globs,
            "globs of the paths to cache, like `/warehouse/**,/logs/*.csv`; empty: all",
            write=values.write_globs,
        ),
        Option(
            "exclude", "", parse_globs, "globs of paths never to cache; wins over include", write=values.write_globs
        ),
        Option(
            "max_file_size",
            "0",
            values.parse_size,
            "larger files are read and not cached; 0: no limit",
            write=values.write_size,
        ),
        Option(
            "max_age",
            "0",
            values.parse_duration,
            "blocks neither published nor read for so long are removed; 0: never",
            write=values.write_duration,
        ),
        Option(
            "fill_limit",
            "0",
            values.parse_size,
            "the most that one application publishes on a host; 0: no limit",
            write=values.write_size,
        ),
        Option("application", "", values.parse_application, "whose fills are added up; empty: the process"),
    )
}


@dataclass(frozen=True)
class Settings:
    """The options of one cache, parsed. Sizes are bytes, durations seconds."""

    cache_dir: str
    disk: int | tuple[tuple[str, int], ...]
    memory: int
    min_free: int
    block_size: int | None
    freshness: float
    authorize: str
    user: str
    cache_encrypted: bool
    audit: str
    listings: str
    enabled: bool
    fetch_size: int
    fetch_streams: int
    readahead: int
    map_budget: int
    lock_timeout: float
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    max_file_size: int
    max_age: float
    fill_limit: int
    application: str

    @property
    def disk_tiers(self) -> tuple[tuple[str, int], ...]:
        """(directory, budget in bytes) of each disk tier, fastest first."""
        return ((self.cache_dir, self.disk),) if isinstance(self.disk, int) else self.disk


def reject_unknown(names: Mapping[str, Any]) -> None:
    """Raises BadOption, with the nearest name, if one of the names is no option."""
    for name in names:
        if name not in OPTIONS:
            near = difflib.get_close_matches(name, OPTIONS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"options are: {', '.join(OPTIONS)}"
            raise BadOption(f"unknown option {name!r}; {hint}")


def settings(**options: Any) -> Settings:
    """Parses options over their defaults. Raises BadOption, naming the option and the value.

    Environment variables and configuration files are fsspec's (``fsspec.config``): it hands them to the filesystem
    as options.
    """
    reject_unknown(options)
    parsed = {}
    for option in OPTIONS.values():
        value = options.get(option.name, option.default)
        if option.name == "cache_dir" and value is None:
            value = default_cache_dir()
        try:
            parsed[option.name] = option.parse(value)
        except BadOption as bad:
            raise BadOption(f"option {option.name}: {bad}") from None
        except TypeError:
            raise BadOption(f"option {option.name}: {value!r} cannot be used; {option.doc}") from None
    return Settings(**parsed)


def hadoop_options(**options: Any) -> dict[str, str]:
    """The same options as Hadoop configuration keys, for the jar. Raises BadOption."""
    parsed = settings(**options)  # so that a mistake is told here, not on an executor
    given = (OPTIONS[name] for name, value in options.items() if value is not None and OPTIONS[name].hadoop)
    return {option.hadoop_key: option.write(getattr(parsed, option.name)) for option in given}

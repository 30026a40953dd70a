"""Options: one table, in every spelling (Python keyword, Hadoop key, environment variable)."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hybridfs.errors import BadOption
from hybridfs.globs import parse_globs

_SIZE_UNITS = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgtp", start=1):
    _SIZE_UNITS |= {_letter: 1024**_power, f"{_letter}ib": 1024**_power, f"{_letter}b": 1000**_power}
_BINARY_UNITS = ("", "KiB", "MiB", "GiB", "TiB", "PiB")
_TIME_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*")


def _quantity(value: object, units: Mapping[str, float], what: str, example: str) -> float:
    match = _NUMBER.fullmatch(str(value)) if not isinstance(value, bool) else None
    unit = units.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise BadOption(f"{value!r} is not {what}; write it like {example}")
    return float(match[1]) * unit


def parse_size(value: object) -> int:
    """Bytes of ``200GiB``, ``8MiB``, ``1GB``, ``4096``. Raises BadOption."""
    return int(_quantity(value, _SIZE_UNITS, "a size", "200GiB, 8MiB or 4096"))


def parse_duration(value: object) -> float:
    """Seconds of ``30s``, ``500ms``, ``5m``, ``0``. Raises BadOption."""
    return _quantity(value, _TIME_UNITS, "a duration", "30s, 500ms or 5m")


def parse_bool(value: object) -> bool:
    """A truth value of ``true`` or ``false``. Raises BadOption."""
    text = str(value).strip().lower()
    if text not in ("true", "false"):
        raise BadOption(f"{value!r} is not a truth value; write true or false")
    return text == "true"


def parse_tiers(value: object) -> int | tuple[tuple[str, int], ...]:
    """One budget in bytes, or (directory, budget) pairs of ``/ssd=200GiB,/hdd=1TiB``. Raises BadOption."""
    if isinstance(value, (list, tuple)):
        pairs = [tuple(item) for item in value]
    elif "=" in str(value):
        pairs = [tuple(item.rsplit("=", 1)) for item in str(value).split(",")]
    else:
        return parse_size(value)
    if not pairs or any(len(pair) != 2 or not os.path.isabs(str(pair[0]).strip()) for pair in pairs):
        raise BadOption(f"{value!r} is not a list of tiers; write it like /ssd/cache=200GiB,/hdd/cache=1TiB")
    return tuple((str(directory).strip(), parse_size(budget)) for directory, budget in pairs)


def is_block_size(size: int) -> bool:
    """Whether a root may have blocks of ``size`` bytes (FORMAT.md section 1)."""
    return not size & (size - 1) and 1 << 16 <= size <= 1 << 24


def write_size(size: int) -> str:
    """The shortest exact spelling: ``200GiB``, ``1000``."""
    power = next((power for power in range(5, 0, -1) if size and size % 1024**power == 0), 0)
    return f"{size // 1024**power}{_BINARY_UNITS[power]}"


def write_duration(seconds: float) -> str:
    """``30s``, ``500ms``."""
    return f"{seconds:.0f}s" if seconds.is_integer() else f"{round(seconds * 1000)}ms"


def write_tiers(tiers: int | tuple[tuple[str, int], ...]) -> str:
    """``200GiB``, ``/ssd=200GiB,/hdd=1TiB``."""
    if isinstance(tiers, int):
        return write_size(tiers)
    return ",".join(f"{directory}={write_size(budget)}" for directory, budget in tiers)


def write_bool(value: bool) -> str:
    """``true``, ``false``."""
    return str(value).lower()


def write_globs(patterns: tuple[str, ...]) -> str:
    """``/warehouse/**,/logs/*.csv``."""
    return ",".join(patterns)


def _block_size(value: object) -> int | None:
    if value is None:
        return None
    size = parse_size(value)
    if not is_block_size(size):
        raise BadOption(f"{value!r} is not a power of two from 64KiB to 16MiB, like 1MiB")
    return size


def _positive(parse: Callable[[object], int]) -> Callable[[object], int]:
    def parsed(value: object) -> int:
        number = parse(value)
        if number <= 0:
            raise BadOption(f"{value!r} must be more than 0")
        return number

    return parsed


def _count(value: object) -> int:
    if not str(value).strip().isdigit():
        raise BadOption(f"{value!r} is not a whole number, like 8")
    return int(str(value))


def _application(value: object) -> str:
    if not isinstance(value, str):
        raise BadOption(f"{value!r} is not a name, like nightly-load")
    name = value.strip()
    if name in (".", ".."):  # it names a file
        raise BadOption(f"{value!r} cannot be a name; write one like nightly-load")
    return name


def _directory(value: object) -> str:
    path = os.path.expanduser(os.fspath(value))  # type: ignore[call-overload]
    if not os.path.isabs(path):
        raise BadOption(f"{value!r} is not an absolute directory, like /var/cache/hybridfs")
    return str(path)


def _authorize(value: object) -> str:
    if value not in ("open", "fill"):
        raise BadOption(
            f"{value!r} is not supported; write open (ask at each open) or fill (ask where bytes are fetched)"
        )
    return str(value)


def parse_user(value: object) -> str:
    """A short name; a principal is none: which user it is, the NameNode's auth_to_local rules say.

    It ends a domain's name, so it must not look like another part of one (FORMAT.md section 2).
    """
    if not isinstance(value, str) or any(letter in "@/+" or not letter.isprintable() for letter in value):
        raise BadOption(f"{value!r} is not the short name of a user of the NameNode, like alice (not alice@REALM)")
    return value.strip()


def _audit(value: object) -> str:
    path = str(value)
    if path and (not os.path.isabs(path) or path.endswith("/") or "\0" in path):
        raise BadOption(f"{value!r} is not the absolute path of a file, like /var/log/hybridfs/audit.log")
    return path


def _listings(value: object) -> str:
    if value != "origin":
        raise BadOption(f"{value!r} is not supported; the only value is 'origin'")
    return "origin"


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
        Option("cache_dir", None, _directory, "root of the cache and first disk tier; ~/.cache/hybridfs"),
        Option(
            "disk",
            "20GiB",
            parse_tiers,
            "budget of cache_dir, or disk tiers: /ssd/cache=200GiB,/hdd/cache=1TiB",
            write=write_tiers,
        ),
        Option(
            "memory",
            "0",
            parse_size,
            "budget of the memory tier (tmpfs) above the disk tiers; 0: none",
            write=write_size,
        ),
        Option("min_free", "1GiB", parse_size, "free space to leave on the volume of each disk tier", write=write_size),
        Option(
            "block_size",
            None,
            _block_size,
            "of a root, recorded when it is made (1MiB then); another value is an error",
            write=write_size,
        ),
        Option(
            "freshness",
            "30s",
            parse_duration,
            "how long a granted permission may be reused; 0: ask at each open",
            write=write_duration,
        ),
        Option(
            "authorize",
            "open",
            _authorize,
            "when the NameNode decides who may read: at each open, or with `fill` where bytes are fetched; blocks are "
            "of one user then",
        ),
        Option("user", "", parse_user, "that user's short name at the NameNode; empty: the process's"),
        Option(
            "cache_encrypted",
            "false",
            parse_bool,
            "true: keep the plaintext of encryption zones, in a private root only",
            write=write_bool,
        ),
        Option("audit", "", _audit, "file to which each open appends a line; empty: none"),
        Option("listings", "origin", _listings, "who answers listings; only the origin does"),
        Option("enabled", "true", parse_bool, "false: every read goes to the origin", write=write_bool),
        Option(
            "fetch_size",
            "8MiB",
            _positive(parse_size),
            "largest run of blocks fetched in one read of the origin",
            write=write_size,
        ),
        Option("fetch_streams", "8", _positive(_count), "concurrent reads of the origin in one process"),
        Option(
            "readahead", "32MiB", parse_size, "window ahead of a sequential read of uncached data", write=write_size
        ),
        Option("map_budget", "256MiB", parse_size, "open and mapped blocks kept in one process", hadoop=False),
        Option(
            "lock_timeout",
            "60s",
            parse_duration,
            "how long to wait for another process that fetches a block",
            write=write_duration,
        ),
        Option(
            "include",
            "",
            parse_globs,
            "globs of the paths to cache, like `/warehouse/**,/logs/*.csv`; empty: all",
            write=write_globs,
        ),
        Option("exclude", "", parse_globs, "globs of paths never to cache; wins over include", write=write_globs),
        Option("max_file_size", "0", parse_size, "larger files are read and not cached; 0: no limit", write=write_size),
        Option(
            "max_age",
            "0",
            parse_duration,
            "blocks neither published nor read for so long are removed; 0: never",
            write=write_duration,
        ),
        Option(
            "fill_limit",
            "0",
            parse_size,
            "the most that one application publishes on a host; 0: no limit",
            write=write_size,
        ),
        Option("application", "", _application, "whose fills are added up; empty: the process"),
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

"""Values of options, as users write them: sizes, durations, lists of tiers, names."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

from hybridfs.errors import BadOption

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


def parse_block_size(value: object) -> int | None:
    """Bytes, or None for none. Raises BadOption."""
    if value is None:
        return None
    size = parse_size(value)
    if not is_block_size(size):
        raise BadOption(f"{value!r} is not a power of two from 64KiB to 16MiB, like 1MiB")
    return size


def positive(parse: Callable[[object], int]) -> Callable[[object], int]:
    """``parse``, which refuses 0."""

    def parsed(value: object) -> int:
        number = parse(value)
        if number <= 0:
            raise BadOption(f"{value!r} must be more than 0")
        return number

    return parsed


def parse_count(value: object) -> int:
    """A whole number. Raises BadOption."""
    if not str(value).strip().isdigit():
        raise BadOption(f"{value!r} is not a whole number, like 8")
    return int(str(value))


def parse_application(value: object) -> str:
    """A name of a file in ``fills``, or empty. Raises BadOption."""
    if not isinstance(value, str):
        raise BadOption(f"{value!r} is not a name, like nightly-load")
    name = value.strip()
    if name in (".", ".."):  # it names a file
        raise BadOption(f"{value!r} cannot be a name; write one like nightly-load")
    return name


def parse_directory(value: object) -> str:
    """An absolute path, ``~`` expanded. Raises BadOption."""
    path = os.path.expanduser(os.fspath(value))  # type: ignore[call-overload]
    if not os.path.isabs(path):
        raise BadOption(f"{value!r} is not an absolute directory, like /var/cache/hybridfs")
    return str(path)


def parse_authorize(value: object) -> str:
    """``open`` or ``fill``. Raises BadOption."""
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


def parse_audit(value: object) -> str:
    """The absolute path of a file, or empty. Raises BadOption."""
    path = str(value)
    if path and (not os.path.isabs(path) or path.endswith("/") or "\0" in path):
        raise BadOption(f"{value!r} is not the absolute path of a file, like /var/log/hybridfs/audit.log")
    return path


def parse_listings(value: object) -> str:
    """``origin``, ``validated`` or ``bounded``. Raises BadOption."""
    if value not in ("origin", "validated", "bounded"):
        raise BadOption(
            f"{value!r} is not supported; write origin (ask for each), validated (reuse what its parent's listing "
            "bears out) or bounded (reuse what is younger than freshness)"
        )
    return str(value)

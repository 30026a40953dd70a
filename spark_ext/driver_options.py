"""The options of the driver's own Python, which reads `hybridfs://` with those of the session that it made.

fsspec keeps options by protocol (`fsspec.config.conf`), from its files and the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import fsspec.config

from hybridfs.config import OPTIONS

_PROTOCOL = "hybridfs"
_lent: dict[str, str] = {}  # what `lend` put there, and not the user


def given() -> dict[str, Any]:
    """What the user gave to fsspec."""
    there = fsspec.config.conf.get(_PROTOCOL, {})
    return {k: v for k, v in there.items() if k in OPTIONS and not (k in _lent and v == _lent[k])}


def lend(environment: Mapping[str, str]) -> None:
    """From now on new filesystems of this process have these options, but for those that the user gave to fsspec.

    Args:
        environment: options by the names of their environment variables. Those of an earlier session go.
    """
    own = given()
    there = fsspec.config.conf.setdefault(_PROTOCOL, {})
    for name in _lent:
        if name not in own:
            there.pop(name, None)
    _lent.clear()
    for option in OPTIONS.values():
        if option.environment in environment and option.name not in own:
            _lent[option.name] = there[option.name] = environment[option.environment]

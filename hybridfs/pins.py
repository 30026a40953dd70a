"""Pins: files beside a region's blocks that keep evictors and max_age off them for a time (FORMAT.md section 7).

A pin holds in its tier only, by the wall clock. It may stand before the blocks do: pin first, then preload.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator

from hybridfs.layout import REGION_BYTES, Identity, block_path
from hybridfs.publishing import rename_into, temporary_name, write_new
from hybridfs.root import Modes

_PIN = re.compile(r"pin\.(\d{1,18})")


def expiry_of(name: str) -> int | None:
    """Seconds since the epoch until which a file of this name pins its region; None if it is no pin."""
    match = _PIN.fullmatch(name)
    return int(match[1]) if match else None


def clear_expired(region: str, names: list[str]) -> bool:
    """Whether one of ``names``, all that lies in ``region``, pins it; unlinks the pins that no longer do."""
    now, pinned = time.time(), False
    for name in names:
        expiry = expiry_of(name)
        if expiry is None:
            continue
        if expiry > now:
            pinned = True
        else:
            with contextlib.suppress(FileNotFoundError, PermissionError):
                os.unlink(os.path.join(region, name))
    return pinned


def region_paths(identity: Identity, block_size: int) -> Iterator[str]:
    """The directories of a file version's regions below a tier."""
    for first in range(0, identity.blocks(block_size), REGION_BYTES // block_size):
        yield os.path.dirname(block_path(identity, first, block_size))


def pin(tier: str, modes: Modes, identity: Identity, block_size: int, until: float, why: str = "") -> None:
    """Pins all regions of a file version in the tier at the directory ``tier``.

    ``until`` in seconds since the epoch; of several pins the last to expire counts. Raises OSError.
    """
    for region in region_paths(identity, block_size):
        temporary = os.path.join(tier, "v1", "tmp", temporary_name())
        write_new(temporary, [why.encode()], modes.file)
        rename_into(temporary, os.path.join(tier, region, f"pin.{int(until)}"), tier, modes.directory)


def unpin(tier: str, identity: Identity, block_size: int) -> int:
    """Removes all pins of a file version in the tier; returns how many. Raises OSError."""
    removed = 0
    for region in region_paths(identity, block_size):
        directory = os.path.join(tier, region)
        for name in _names(directory):
            if expiry_of(name) is not None:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(directory, name))
                    removed += 1
        with contextlib.suppress(OSError):
            os.removedirs(directory)
    return removed


def pinned_until(tier: str, identity: Identity, block_size: int) -> int | None:
    """Until when all regions of a file version are pinned in the tier; None if one of them is not."""
    now, ends = time.time(), []
    for region in region_paths(identity, block_size):
        expiries = [expiry_of(name) for name in _names(os.path.join(tier, region))]
        ends.append(max((expiry for expiry in expiries if expiry and expiry > now), default=0))
    return min(ends) or None


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []

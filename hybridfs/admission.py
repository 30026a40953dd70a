"""Which files may be published at all."""

from __future__ import annotations

from hybridfs.origin.base import Status

_VISIBLE = frozenset({"_delta_log"})


def admits(path: str, status: Status) -> bool:
    """False for empty files, untrusted versions, and temporary names (a path part begins with ``_`` or ``.``)."""
    if not status.cacheable or status.length <= 0:
        return False
    return not any(part[0] in "_." and part not in _VISIBLE for part in path.split("/") if part)

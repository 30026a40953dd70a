"""Which files are cached at all."""

from __future__ import annotations

from hybridfs.config import Settings
from hybridfs.globs import matcher
from hybridfs.origin.base import Status
from hybridfs.stats import Miss

_VISIBLE = frozenset({"_delta_log"})


class Admission:
    """The rules of one cache. Each has a reason of its own, and the first that holds is told."""

    def __init__(self, settings: Settings) -> None:
        self._included = matcher(settings.include or ("**",))
        self._excluded = matcher(settings.exclude)
        self._longest = settings.max_file_size or float("inf")

    def refusal(self, path: str, status: Status, *, unfinished: bool) -> Miss | None:
        """Why a file is passed through; None if it is not, or is empty. ``unfinished``: it is still being written."""
        if status.length <= 0 and not unfinished:
            return None
        parts = [part for part in path.split("/") if part]
        whole = "/" + "/".join(parts)
        rules = (
            (Miss.TEMPORARY, any(part[0] in "_." and part not in _VISIBLE for part in parts)),
            (Miss.EXCLUDED, not self._included(whole) or self._excluded(whole)),
            (Miss.UNVERSIONED, not status.cacheable),
            (Miss.ENCRYPTED, status.encrypted),
            (Miss.UNDER_CONSTRUCTION, unfinished),
            (Miss.TOO_LARGE, status.length > self._longest),
        )
        return next((reason for reason, holds in rules if holds), None)

"""Keeping a stream on one version: it is confirmed by asking the origin again, after a given moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from hybridfs.errors import FileChanged
from hybridfs.origin.base import Status, unanswered


class PinnedVersion:
    """The version that a stream opened. Thread-safe; one answer of the origin serves all who may use it.

    ``refused`` is called when the origin answers that it is not to be had any more.
    """

    def __init__(self, path: str, status: Status, ask: Callable[[str], Status], refused: Callable[[], None]) -> None:
        self.path = path
        self.status = status
        self._ask = ask
        self._refused = refused
        self._lock = threading.Lock()
        self._confirmed_at = float("-inf")
        self._changed: FileChanged | None = None

    def confirm(self, since: float) -> None:
        """Returns once a status *requested* at or after ``since`` (monotonic seconds) shows the pinned version.

        Raises FileChanged, then and for ever, if it shows another; OSError if the origin cannot be asked.
        """
        with self._lock:
            if self._changed:
                raise self._changed
            if self._confirmed_at >= since:
                return
            asked_at = time.monotonic()
            try:
                found = self._ask(self.path)
            except Exception as error:
                self.failed(error)
                if isinstance(error, (FileNotFoundError, IsADirectoryError)):
                    self._changed = FileChanged(self.path, "vanished")
                    raise self._changed from None
                raise
            if not found.same_version(self.status):
                self._refused()
                self._changed = FileChanged(self.path)
                raise self._changed
            self._confirmed_at = asked_at

    def failed(self, error: Exception) -> None:
        """Hears an error of the origin, which may be an answer."""
        if not unanswered(error):
            self._refused()

"""What all components of a bed have in common: servers that work in one directory and end with their context."""

from __future__ import annotations

import shutil
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from spark_ext.bed.daemon import Daemon


class Component(ABC):
    """A context manager around servers.

    name: what it is, in the name of its directory.
    scratch: an existing directory for data and logs; without it a temporary one, removed at the end.
    """

    def __init__(self, name: str, scratch: Path | None = None):
        self._component = name
        self._given_scratch = scratch
        self._daemons: dict[str, Daemon] = {}

    def __enter__(self) -> Self:
        self._scratch = self._given_scratch or Path(tempfile.mkdtemp(prefix=f"hybridfs-{self._component}-"))
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every server, and remove the data, unless the caller gave the directory."""
        self._end()
        if self._given_scratch is None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    @abstractmethod
    def _start(self) -> None:
        """Starts everything; returns when it serves."""

    def _serve(self, daemon: Daemon) -> None:
        """Starts a server; returns when it is ready."""
        self._daemons[daemon.name] = daemon
        daemon.start()
        daemon.wait_ready(120)

    def _end(self) -> None:
        for daemon in reversed(self._daemons.values()):
            daemon.kill()  # nothing here outlives the context, so nothing has to be flushed

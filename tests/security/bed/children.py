"""Processes that a server has started, such as executors: known by where they work, since they have no parent here."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil


def working_in(directory: Path) -> list[psutil.Process]:
    """The live processes whose working directory is below `directory`."""
    return [process for process in psutil.process_iter() if _works_in(process, directory)]


def end_those_in(directory: Path) -> None:
    """Kill them, and wait until they are gone."""
    ended = working_in(directory)
    for process in ended:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(ended, timeout=10)


def _works_in(process: psutil.Process, directory: Path) -> bool:
    with contextlib.suppress(psutil.Error):
        return directory in Path(process.cwd()).parents
    return False

"""A disk with errors: `failing_disk.c`, built and preloaded, and the switch that turns its faults on and off."""

from __future__ import annotations

import mmap
import struct
import subprocess
from enum import IntFlag
from pathlib import Path
from typing import Final

_LAYOUT: Final = struct.Struct("@Iillll")
_SOURCE = Path(__file__).with_suffix(".c")


class Calls(IntFlag):
    """Kinds of system calls, as in `failing_disk.c`."""

    OPEN = 1
    READ = 2
    WRITE = 4
    RENAME = 8
    UNLINK = 16
    MKDIR = 32
    MAP = 64
    STAT = 128
    LIST = 256
    CREATE = 512  # opening with O_CREAT
    LOCK = 1024


READING = Calls.OPEN | Calls.READ | Calls.MAP | Calls.STAT
WRITING = Calls.CREATE | Calls.WRITE | Calls.RENAME | Calls.UNLINK | Calls.MKDIR
ALL = READING | WRITING | Calls.LIST


class FailingDisk:
    """Faults below ``directory``, in all processes that are started with `environment`."""

    def __init__(self, directory: Path, scratch: Path) -> None:
        library, control = scratch / "failing_disk.so", scratch / "failing_disk.control"
        compile_ = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl"]
        subprocess.run(compile_, check=True, capture_output=True)
        control.write_bytes(bytes(mmap.PAGESIZE))
        with control.open("r+b") as file:
            self._control = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAILING_DISK": str(directory),
            "FAILING_DISK_CONTROL": str(control),
        }

    def fail(self, error: int, calls: Calls = ALL, first: int = 1, last: int = 0) -> None:
        """From the ``first``-th of these calls on, to the ``last``-th (0: for ever), they fail with this errno."""
        self.mend()
        _LAYOUT.pack_into(self._control, 0, calls, 0, first, last, 0, 0)
        struct.pack_into("@i", self._control, 4, error)  # last: it turns the fault on

    def mend(self) -> None:
        struct.pack_into("@i", self._control, 4, 0)

    @property
    def seen(self) -> int:
        """Calls of those kinds since `fail`."""
        return int(_LAYOUT.unpack_from(self._control)[4])

    @property
    def failed(self) -> int:
        return int(_LAYOUT.unpack_from(self._control)[5])

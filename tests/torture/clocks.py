"""Clocks that are wrong, for single processes: the host's clock is never touched."""

from __future__ import annotations

import mmap
import os
import struct
import subprocess
from pathlib import Path

DAY = 86_400
_SOURCE = Path(__file__).with_name("wall_clock.c")


class WallClock:
    """The wall clock of the processes that are started with ``environment``; it may be moved while they run."""

    def __init__(self, library: Path, control: Path) -> None:
        if not library.exists():
            subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl"], check=True)
        control.write_bytes(bytes(8))
        with control.open("r+b") as file:
            self._control = mmap.mmap(file.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(library), "WALL_CLOCK": str(control)}

    def move(self, seconds: int) -> None:
        """It is so far from the host's from now on."""
        struct.pack_into("@q", self._control, 0, seconds)


def in_another_time(command: list[str], seconds: int) -> list[str]:
    """The command in a time namespace, whose monotonic and boot time clocks are so far ahead of the host's."""
    mapped = [] if os.geteuid() == 0 else ["--map-root-user"]
    clocks = [f"--monotonic={seconds}", f"--boottime={seconds}"]
    return ["unshare", *mapped, "--time", *clocks, "--fork", "--kill-child", *command]

"""Makes a process fail or die at its k-th system call that changes, opens or locks files: `syscalls.c`, preloaded.

A preloaded library rather than ``strace -e inject``: it needs a C compiler and no right to trace, it counts only calls
below the directories that matter, and it lives on over fork, so that a point costs milliseconds.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).with_name("syscalls.c")


class NoCompiler(RuntimeError):
    """There is no C compiler; the text says what to install."""


@dataclass(frozen=True)
class Call:
    """A system call that a process made: its number from 1, its name, the path that it changed."""

    number: int
    name: str
    path: str

    @property
    def kind(self) -> str:
        """The call without what differs from one like it to the next: numbers and names made of hex digits."""
        shape = re.sub(r"(?<=/)[0-9a-f]{32}(?=/|$)", "<name>", self.path)
        shape = re.sub(r"[0-9]+-[0-9a-f]{16,}", "<temporary>", shape)
        shape = re.sub(r"(?<=/)[0-9a-f]{2}(?=/|$)", "<xx>", shape)
        return f"{self.name} {re.sub(r'(?<=/)[0-9]+(?=$)', '<n>', shape)}"


class Syscalls:
    """The built library and the file that controls it. ``roots`` of `plan`: where calls count."""

    def __init__(self, scratch: Path) -> None:
        self._control = scratch / "syscalls.control"
        self._log = scratch / "syscalls.log"
        self._library = _build(scratch)
        self._control.write_text("0\nkill\n-\n")

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment."""
        return {"LD_PRELOAD": str(self._library), "SYSCALLS_CONTROL": str(self._control)}

    def plan(self, roots: Sequence[Path], at: int = 0, action: str = "kill") -> None:
        """For the process that arms itself next. ``at`` 0: nothing happens, the calls are listed."""
        self._log.unlink(missing_ok=True)
        log = "-" if at else str(self._log)
        self._control.write_text("\n".join([str(at), action, log, *map(str, roots), ""]))

    def calls(self) -> list[Call]:
        """What the process did that was planned with ``at`` 0."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [Call(number, *line.split(" ", 1)) for number, line in enumerate(lines, 1)]


def arm() -> None:
    """From here on the calls of this process count."""
    os.close(os.open(os.environ["SYSCALLS_CONTROL"], os.O_RDONLY))


def _build(into: Path) -> Path:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise NoCompiler("the crash points need a C compiler: install gcc or clang, or point CC at one")
    library = into / "syscalls.so"
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl", "-lpthread"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode:
        raise NoCompiler(f"{' '.join(command)} failed:\n{built.stderr[-2000:]}")
    return library

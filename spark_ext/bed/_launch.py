"""Becomes the command given, tied to the life of its starter: `_launch.py <starter's pid> command...`.

Run as a script of its own and not as a `preexec_fn`, which is unsafe in a process that has threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    starter, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != starter:  # it died before prctl took hold
        sys.exit(f"starter {starter} is gone")
    os.execvp(command[0], command)


main()

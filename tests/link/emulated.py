"""A long, slow link between two network namespaces of this host: what a cloud and its premises have between them."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hybridfs.values import parse_duration, parse_size
from spark_ext.bed.component import Component
from spark_ext.bed.daemon import Daemon
from spark_ext.bed.tools import BedError

_FORWARDER = Path(__file__).with_name("forwarder.py")
_DEVICE = "link0"
_numbers = itertools.count()


@dataclass(frozen=True)
class Crossed:
    """Bytes at the near end's device, headers included."""

    received: int
    sent: int

    def __sub__(self, earlier: Crossed) -> Crossed:
        return Crossed(self.received - earlier.received, self.sent - earlier.sent)


class Link(Component):
    """An emulated link, as a context manager. Needs root, `ip` and /dev/net/tun.

    round_trip: such as `50ms`.
    rate: bytes a second of each direction, such as `50MB`.
    queue: bytes that wait for their turn in each direction before packets are dropped.
    mtu: bytes of the largest packet. Fewer, larger packets leave more of a small host to what is measured.

    Processes are put at an end by `near` and `far`; each end sees the other by its address, and nothing else.
    """

    near_address = "10.214.0.1"
    far_address = "10.214.0.2"

    def __init__(self, round_trip: str = "50ms", rate: str = "50MB", queue: str = "4MiB", mtu: int = 9000):
        super().__init__("link")
        self._delay = parse_duration(round_trip) / 2
        self._rate = parse_size(rate)
        self._queue = parse_size(queue)
        self._mtu = mtu
        name = f"hybridfs-{os.getpid()}-{next(_numbers)}"
        self._ends = {f"{name}-near": self.near_address, f"{name}-far": self.far_address}

    def near(self, command: Sequence[str]) -> list[str]:
        """The command line that runs `command` at the near end, where the cache is."""
        return ["ip", "netns", "exec", next(iter(self._ends)), *command]

    def far(self, command: Sequence[str]) -> list[str]:
        """The command line that runs `command` at the far end, where HDFS is."""
        return ["ip", "netns", "exec", list(self._ends)[1], *command]

    def crossed(self) -> Crossed:
        """What the near end's device has counted so far."""
        counted = [f"/sys/class/net/{_DEVICE}/statistics/{way}_bytes" for way in ("rx", "tx")]
        received, sent = _run(self.near(["cat", *counted])).split()
        return Crossed(int(received), int(sent))

    def _start(self) -> None:
        for namespace in self._ends:
            _ip("netns", "add", namespace)
        shape = [repr(self._delay), str(self._rate), str(self._queue)]
        command = [sys.executable, "-I", "-S", str(_FORWARDER), *self._ends, _DEVICE, *shape]
        self._serve(Daemon("forwarder", command, self._scratch / "log", "ready"))
        for namespace, address in self._ends.items():
            _ip("-n", namespace, "address", "add", f"{address}/30", "dev", _DEVICE)
            _ip("-n", namespace, "link", "set", _DEVICE, "mtu", str(self._mtu), "txqueuelen", "10000", "up")
            _ip("-n", namespace, "link", "set", "lo", "up")

    def _end(self) -> None:
        """Processes at the ends keep their namespace until they end."""
        super()._end()
        for namespace in self._ends:
            with suppress(BedError):
                _ip("netns", "delete", namespace)


def _ip(*words: str) -> None:
    _run(["ip", *words])


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BedError(f"{' '.join(command)}: {done.stderr.strip()}; an emulated link needs root and /dev/net/tun")
    return done.stdout

"""A long, slow link between two network namespaces of this host: what a cloud and its premises have between them."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hybridfs.errors import BadOption
from hybridfs.values import parse_duration, parse_size
from spark_ext.bed.component import Component
from spark_ext.bed.daemon import Daemon
from spark_ext.bed.place import Place
from spark_ext.bed.tools import BedError

_FORWARDER = Path(__file__).with_name("forwarder.py")
_DEVICE = "link0"
_FILES = Path("/etc/netns")
_NEEDED = {
    "root": lambda: os.geteuid() == 0,
    "the command `ip` (package iproute2)": lambda: shutil.which("ip") is not None,
    "/dev/net/tun (`modprobe tun`; in a container: `--device /dev/net/tun`)": Path("/dev/net/tun").exists,
}
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

    near: where the cache is. far: where HDFS is. Each sees the other by its address, and nothing else.

    >>> with Link() as link, Hdfs(at=link.far) as hdfs:      # doctest: +SKIP
    ...     subprocess.run(link.near(["python", "..."]), env={**os.environ, **hdfs.as_user("alice")})
    """

    def __init__(self, round_trip: str = "50ms", rate: str = "50MB", queue: str = "4MiB", mtu: int = 9000):
        super().__init__("link")
        self._delay = parse_duration(round_trip) / 2
        self._rate = parse_size(rate)
        self._queue = parse_size(queue)
        self._mtu = mtu
        name = f"hybridfs-{os.getpid()}-{next(_numbers)}"
        self.near = Place("10.214.0.1", f"{name}-near")
        self.far = Place("10.214.0.2", f"{name}-far")

    @classmethod
    def of(cls, text: str) -> Link:
        """A link by its round trip and its rate, such as `50ms:50MB/s`. Raises BadOption for another text."""
        round_trip, colon, rate = text.partition(":")
        if not colon or not rate.endswith("/s"):
            raise BadOption(f"{text!r} is not a link; write its round trip and its rate, such as 50ms:50MB/s")
        return cls(round_trip, rate.removesuffix("/s"))

    def crossed(self) -> Crossed:
        """What the near end's device has counted so far."""
        counted = [f"/sys/class/net/{_DEVICE}/statistics/{way}_bytes" for way in ("rx", "tx")]
        received, sent = _run(self.near(["cat", *counted])).split()
        return Crossed(int(received), int(sent))

    def _start(self) -> None:
        _check_host()
        for end in self._ends:
            _ip("netns", "add", end)
        shape = [repr(self._delay), str(self._rate), str(self._queue)]
        command = [sys.executable, "-I", "-S", str(_FORWARDER), *self._ends, _DEVICE, *shape]
        self._serve(Daemon("forwarder", command, self._scratch / "log", "ready"))
        for end, address in self._ends.items():
            _ip("-n", end, "address", "add", f"{address}/30", "dev", _DEVICE)
            _ip("-n", end, "link", "set", _DEVICE, "mtu", str(self._mtu), "txqueuelen", "10000", "up")
            _ip("-n", end, "link", "set", "lo", "up")
            self._name(end, address)

    def _name(self, end: str, address: str) -> None:
        """Lets names be looked up without a network: `ip netns exec` shows processes these files as those in /etc."""
        files = _FILES / end
        files.mkdir(parents=True)
        (files / "hosts").write_text(f"127.0.0.1 localhost\n{address} {socket.gethostname()}\n")
        (files / "resolv.conf").write_text("")

    @property
    def _ends(self) -> dict[str, str]:
        """Addresses by namespace."""
        return {str(end.namespace): end.address for end in (self.near, self.far)}

    def _end(self) -> None:
        """Processes at the ends keep their namespace until they end."""
        super()._end()
        for end in self._ends:
            with suppress(BedError, OSError):
                _ip("netns", "delete", end)
            shutil.rmtree(_FILES / end, ignore_errors=True)


def _check_host() -> None:
    missing = [name for name, there in _NEEDED.items() if not there()]
    if missing:
        raise BedError(f"an emulated link cannot be made here: it needs {', '.join(missing)}")


def _ip(*words: str) -> None:
    _run(["ip", *words])


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BedError(
            f"{' '.join(command)}: {done.stderr.strip()}; an emulated link needs root and network namespaces"
        )
    return done.stdout

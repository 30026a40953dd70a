"""The process between the two ends of an emulated link: delays, slows down and drops packets.

Runs as `python forwarder.py`: needs no package but Python's own, so that it starts at once.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import signal
import struct
import sys
import time
from collections import deque
from dataclasses import dataclass, field

_TUNSETIFF = 0x400454CA
_TUN_WITHOUT_HEADER = 0x1001  # IFF_TUN | IFF_NO_PI
_CLONE_NEWNET = 0x40000000
_LONGEST = 1 << 16
_BURST = 64  # packets taken from one side before the other one has its turn


@dataclass
class Way:
    """One direction. delay: seconds one way; rate: bytes a second; queue: most bytes that wait for their turn."""

    delay: float
    rate: float
    queue: int
    _free_at: float = 0.0
    _waiting: deque[tuple[float, bytes]] = field(default_factory=deque)

    def take(self, packet: bytes, now: float) -> None:
        """Lets it wait behind the others, or drops it where the queue is full, as a router does."""
        start = max(now, self._free_at)
        if (start - now) * self.rate + len(packet) > self.queue:
            return
        self._free_at = start + len(packet) / self.rate
        self._waiting.append((self._free_at + self.delay, packet))

    def due(self, now: float) -> bytes | None:
        """The next packet that arrives, if it does by now."""
        if self._waiting and self._waiting[0][0] <= now:
            return self._waiting.popleft()[1]
        return None

    @property
    def next_at(self) -> float:
        """When the next packet arrives."""
        return self._waiting[0][0] if self._waiting else float("inf")


def enter(namespace: int) -> None:
    """Moves this thread to the network namespace of a descriptor. `os.setns` is not in every Python yet."""
    if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "setns")


def device(namespace: str, name: str) -> int:
    """A TUN device made in a network namespace; this process goes over to that."""
    with open(f"/run/netns/{namespace}") as entered:
        enter(entered.fileno())
    made = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(made, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TUN_WITHOUT_HEADER))
    return made


def forward(near: int, far: int, delay: float, rate: float, queue: int) -> None:
    """Between two devices, for ever."""
    ways = {near: (Way(delay, rate, queue), far), far: (Way(delay, rate, queue), near)}
    while True:
        pause = min(way.next_at for way, _ in ways.values()) - time.monotonic()
        ready, _, _ = select.select([near, far], [], [], None if pause == float("inf") else max(0.0, pause))
        for source in ready:
            _take_in(source, ways[source][0])
        for way, target in ways.values():
            _give_out(way, target)


def _take_in(source: int, way: Way) -> None:
    for _ in range(_BURST):
        try:
            packet = os.read(source, _LONGEST)
        except BlockingIOError:
            return
        way.take(packet, time.monotonic())


def _give_out(way: Way, target: int) -> None:
    while (packet := way.due(time.monotonic())) is not None:
        try:
            os.write(target, packet)
        except OSError:
            continue  # the device is down, or its own queue is full: the packet is lost


def main() -> None:
    near, far, name, delay, rate, queue = sys.argv[1:]
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ends = device(near, name), device(far, name)
    print("ready", flush=True)
    forward(*ends, float(delay), float(rate), int(queue))


if __name__ == "__main__":
    main()

"""Where the servers of a bed are: on this host's loopback, or in a network namespace, such as an end of a link."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from spark_ext.bed.forwarder import enter


@dataclass(frozen=True)
class Place:
    """address: that servers bind and clients use. namespace: name of the network namespace; none: that of this process.

    Called with a command line, it gives the one that runs it there. Only root may run anything in a namespace.
    """

    address: str = "127.0.0.1"
    namespace: str | None = None

    def __call__(self, command: Sequence[str]) -> list[str]:
        if self.namespace is None:
            return list(command)
        return ["ip", "netns", "exec", self.namespace, *command]

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Sockets that this thread makes inside are at the place, and stay there. No other thread is moved."""
        if self.namespace is None:
            yield
            return
        with open("/proc/thread-self/ns/net") as own, open(f"/run/netns/{self.namespace}") as there:
            enter(there.fileno())
            try:
                yield
            finally:
                enter(own.fileno())


HERE = Place()

"""Free TCP ports that stay free until a daemon binds them, also across its restarts."""

from __future__ import annotations

import random
import socket

from spark_ext.bed.place import HERE, Place

# Below every usual ephemeral range, so that no outgoing connection takes one while its daemon is down.
_FIRST, _LAST = 15_000, 31_999
_given: set[int] = set()
_random = random.SystemRandom()


def free_port() -> int:
    """A port that nobody listens on now and that this process has not handed out before."""
    while True:
        port = _random.randint(_FIRST, _LAST)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def is_listening(port: int, at: Place = HERE) -> bool:
    """Whether a connection to `port` there is accepted."""
    with at.entered(), socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((at.address, port)) == 0


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True

"""What crosses the loopback interface, watched for a text that is known: a packet capture that keeps no packets."""

from __future__ import annotations

import secrets
import socket
import struct
import threading
from types import TracebackType

_ETH_P_ALL = 3
_ETH_P_IP = 0x0800
_TCP = 6
_DISCARD = 9  # a port nobody listens on; what is sent there crosses the interface all the same
_SO_RCVBUFFORCE = 33
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_BUFFER = 64 << 20  # of the kernel, for packets that are not looked at yet
_LONGEST = 1 << 16  # a packet on lo

Flow = tuple[bytes, bytes]


class Capture:
    """Counts occurrences of `needle` in the TCP streams of `lo` while the context lasts. Needs root (CAP_NET_RAW).

    needle: bytes that occur in what is to be protected and nowhere else; also found where packets cut it in two.

    Of each stream only its last bytes are kept, fewer than the needle has. Only IPv4, which the beds' servers speak.
    After the context: `found`, `packets` and `payload` (bytes of TCP payload); `lost` packets, which the kernel had no
    room for, must be 0 for `found == 0` to say anything.
    """

    def __init__(self, needle: bytes) -> None:
        assert len(needle) >= 16, "a shorter text occurs by chance"
        self._needle = needle
        self._tails: dict[Flow, bytes] = {}
        self._end = secrets.token_bytes(32)
        self.found = self.packets = self.payload = self.lost = 0

    def __enter__(self) -> Capture:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._socket.bind(("lo", 0))
        self._thread = threading.Thread(target=self._watch, name="capture", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Returns when all that was sent until now has been looked at."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            for _ in range(60):  # the kernel may have no room for it
                last.sendto(self._end, ("127.0.0.1", _DISCARD))
                self._thread.join(1)
                if not self._thread.is_alive():
                    break
        assert not self._thread.is_alive(), "the capture did not catch up within a minute"
        statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        self.lost = struct.unpack("II", statistics)[1]
        self._socket.close()

    def _watch(self) -> None:
        packet = bytearray(_LONGEST + 64)
        while True:
            length, (_, protocol, kind, *_) = self._socket.recvfrom_into(packet)
            # Each packet on lo is seen as sent and as received.
            if protocol == _ETH_P_IP and kind == socket.PACKET_OUTGOING:
                seen = memoryview(packet)[14:length]
                if seen[9] == _TCP:
                    self._look(seen)
                elif seen[-len(self._end) :] == self._end:
                    return

    def _look(self, packet: memoryview) -> None:
        header = (packet[0] & 0x0F) * 4
        total = int.from_bytes(packet[2:4]) or len(packet)  # 0: the kernel sends more than 64 KiB at once
        segment = packet[header:total]
        data = segment[(segment[12] >> 4) * 4 :]
        self.packets += 1
        if not data:
            return
        self.payload += len(data)
        flow = (bytes(packet[12:20]), bytes(segment[:4]))
        joined = self._tails.get(flow, b"") + bytes(data)
        self.found += joined.count(self._needle)
        # One byte less than the needle, so that what was found once is not found again.
        self._tails[flow] = joined[-(len(self._needle) - 1) :]

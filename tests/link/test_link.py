"""What crosses an emulated link takes its time, and is counted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from spark_ext.bed import Link

pytestmark = pytest.mark.link

SIZE = 20_000_000
SERVE = """
import socket, sys
with socket.create_server((sys.argv[1], 7000)) as server:
    print("ready", flush=True)
    while True:
        connection, _ = server.accept()
        with connection:
            wanted = int(connection.recv(20))
            connection.sendall(b"x" * wanted)
"""
FETCH = """
import json, socket, sys, time
def fetch(size):
    start = time.monotonic()
    with socket.create_connection((sys.argv[1], 7000)) as connection:
        connected = time.monotonic() - start
        connection.sendall(str(size).encode())
        got = 0
        while got < size:
            got += len(connection.recv(1 << 20))
    return connected, time.monotonic() - start
fetch(1)
print(json.dumps([fetch(1), fetch(int(sys.argv[2]))]))
"""


@pytest.fixture(scope="module")
def link() -> Iterator[Link]:
    with Link(round_trip="60ms", rate="20MB") as made:
        server = subprocess.Popen(
            made.far([sys.executable, "-c", SERVE, made.far.address]), stdout=subprocess.PIPE, text=True
        )
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            yield made
        finally:
            server.kill()
            server.communicate()


def test_a_round_trip_and_the_rate_hold_and_bytes_are_counted(link: Link) -> None:
    before = link.crossed()
    fetch = link.near([sys.executable, "-c", FETCH, link.far.address, str(SIZE)])
    done = subprocess.run(fetch, capture_output=True, text=True, check=True, timeout=60)
    (connected, one_byte), (_, whole) = json.loads(done.stdout)
    crossed = link.crossed() - before
    print(f"connect {connected:.4f} s, one byte {one_byte:.4f} s, {SIZE} bytes {whole:.3f} s, {crossed}")
    assert connected >= 0.06
    assert one_byte >= 0.12
    assert whole >= SIZE / 20_000_000
    assert SIZE < crossed.received < 1.05 * SIZE
    assert crossed.sent < 0.05 * SIZE


def test_the_ends_see_nothing_else(link: Link) -> None:
    probe = "import socket; socket.create_connection(('127.0.0.1', 7000), 2)"
    assert subprocess.run(link.near([sys.executable, "-c", probe]), capture_output=True, check=False).returncode != 0

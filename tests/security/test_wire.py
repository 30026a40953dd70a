"""What a packet capture sees of a file while it is read: its plaintext, unless HDFS encrypts what it sends."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.security.bed.capture import Capture
from tests.security.bed.kdc import Kdc
from tests.security.bed.secure_hdfs import SecureHdfs
from tests.security.reading import digest, in_python, in_spark

pytestmark = [pytest.mark.security, pytest.mark.timeout(600), pytest.mark.usefixtures("jar")]

MARKS = 40


@pytest.fixture(scope="module")
def private_hdfs(onprem: Kdc) -> Iterator[SecureHdfs]:
    """An HDFS that encrypts RPCs and blocks on the wire."""
    with SecureHdfs(onprem, privacy=True, datanodes=1) as running:
        running.web("PUT", "/alice", op="MKDIRS", permission="755")
        running.web("PUT", "/alice", op="SETOWNER", owner="alice")
        yield running


@pytest.mark.parametrize("read", [in_python, in_spark])
def test_the_plaintext_crosses_the_wire_unless_it_is_encrypted(
    read: Callable[..., str], secure_hdfs: SecureHdfs, private_hdfs: SecureHdfs, cache_dir: Path
) -> None:
    mark = secrets.token_hex(32).encode()
    line = mark + secrets.token_hex(40_000).encode() + b"\n"
    data, path = line * MARKS, f"/alice/{mark.decode()[:8]}"
    seen = {}
    for name, hdfs in (("plain", secure_hdfs), ("privacy", private_hdfs)):
        hdfs.put(path, data, "alice", permission="600")
        before = hdfs.bytes_read()
        with Capture(mark) as capture:
            assert read(hdfs, hdfs.as_user("alice"), path, cache_dir) == digest(data)
        assert capture.lost == 0
        assert capture.payload > len(data), "the capture missed the file's bytes"
        assert hdfs.bytes_read() - before >= len(data), "the file did not come from HDFS"
        seen[name] = capture.found
        print(f"{read.__name__}, {name}: {capture.found} of {MARKS} in {capture.payload:,} bytes of TCP")
    assert seen["plain"] >= MARKS  # TCP may send a segment twice
    assert seen["privacy"] == 0

"""WebHDFS over TLS as an origin under Kerberos, by delegation tokens and with a private CA."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hybridfs import HybridFileSystem
from tests.python.support import settle_process
from tests.security.bed.capture import Capture
from tests.security.bed.kdc import Kdc
from tests.security.bed.secure_hdfs import SecureHdfs
from tests.security.bed.tls import Tls, make_ca, make_tls

pytestmark = pytest.mark.security

PATH = "/alice/file"
MARK = secrets.token_hex(32).encode()
DATA = (MARK + secrets.token_hex(40_000).encode()) * 20


@dataclass(frozen=True)
class Bed:
    """An HDFS under Kerberos with TLS, and the file of a CA that is not its."""

    hdfs: SecureHdfs
    tls: Tls
    other_ca: Path

    def opened(self, user: str, cache_dir: Path, **options: Any) -> HybridFileSystem:
        """A filesystem that reads as the user, by a token of hers."""
        target = {"host": "localhost", "port": self.tls.port, "ca_file": str(self.tls.ca)}
        target |= {"token": self.hdfs.token(user), **options}
        return HybridFileSystem(
            target_protocol="swebhdfs", target_options=target, cache_dir=str(cache_dir), skip_instance_cache=True
        )


@pytest.fixture(scope="module")
def bed(onprem: Kdc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    directory = tmp_path_factory.mktemp("tls")
    tls = make_tls(directory)
    # A DataNode's web server reads from the DataNode by HDFS's own protocol: that is to be encrypted, too.
    with SecureHdfs(onprem, privacy=True, datanodes=1, conf=tls.conf, classpath=tls.classpath) as running:
        running.web("PUT", "/alice", op="MKDIRS", permission="755")
        running.web("PUT", "/alice", op="SETOWNER", owner="alice")
        running.put(PATH, DATA, "alice", permission="600")
        yield Bed(running, tls, make_ca(directory, "theirs"))


def test_it_reads_warm_what_it_read_cold(bed: Bed, cache_dir: Path) -> None:
    before = bed.hdfs.bytes_read()
    assert bed.opened("alice", cache_dir).cat_file(PATH) == DATA
    settle_process(str(cache_dir))
    cold = bed.hdfs.bytes_read()
    assert cold - before >= len(DATA)
    assert bed.opened("alice", cache_dir).cat_file(PATH) == DATA
    warm = bed.hdfs.bytes_read() - cold
    print(f"swebhdfs by a token: DataNodes sent {cold - before:,} bytes cold, {warm} warm")
    assert warm == 0
    with pytest.raises(PermissionError):
        bed.opened("bob", cache_dir).cat_file(PATH)


def test_what_is_cached_needs_a_server_that_the_ca_vouches_for(bed: Bed, cache_dir: Path) -> None:
    assert bed.opened("alice", cache_dir).cat_file(PATH) == DATA
    for wrong in (str(bed.other_ca), None):
        with pytest.raises(OSError, match="option ca_file"):
            bed.opened("alice", cache_dir, ca_file=wrong).cat_file(PATH)


def test_the_plaintext_crosses_the_wire_only_without_tls(bed: Bed, cache_dir: Path) -> None:
    with Capture(MARK) as secure:
        assert bed.opened("alice", cache_dir).cat_file(PATH) == DATA
    target = {"host": "localhost", "port": int(bed.hdfs.web_authority.split(":")[1]), "token": bed.hdfs.token("alice")}
    with Capture(MARK) as plain:
        fs = HybridFileSystem(target_protocol="webhdfs", target_options=target, cache_dir=str(cache_dir / "plain"))
        assert fs.cat_file(PATH) == DATA
    print(f"swebhdfs: {secure.found} of 20 in {secure.payload:,} bytes; webhdfs: {plain.found} in {plain.payload:,}")
    assert (secure.lost, plain.lost) == (0, 0)
    assert secure.payload > len(DATA)
    assert secure.found == 0
    assert plain.found >= 20

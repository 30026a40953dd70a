"""An HDFS that speaks TLS, with a certificate of a private CA.

>>> tls = make_tls(directory)                               # doctest: +SKIP
>>> with Hdfs(conf=tls.conf, classpath=tls.classpath): ...  # its NameNode's HTTPS: localhost and tls.port
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spark_ext.bed import BedError
from spark_ext.bed.hadoopconf import write_conf
from spark_ext.bed.ports import free_port

_PASSWORD = "changeit"


@dataclass(frozen=True)
class Tls:
    """conf, classpath: for `Hdfs`. port: of the NameNode's HTTPS on `localhost`. ca: PEM file, for clients."""

    ca: Path
    port: int
    conf: Mapping[str, object]
    classpath: Sequence[Path]


def make_tls(directory: Path) -> Tls:
    """A CA of its own, and a keystore for this host. Needs openssl. One HDFS at a time."""
    ca, port = make_ca(directory, "ours"), free_port()
    keystore = {
        "ssl.server.keystore.location": _keystore(directory, ca),
        "ssl.server.keystore.type": "pkcs12",
        "ssl.server.keystore.password": _PASSWORD,
        "ssl.server.keystore.keypassword": _PASSWORD,
    }
    write_conf(directory / "conf" / "ssl-server.xml", keystore)
    conf = {
        "dfs.http.policy": "HTTP_AND_HTTPS",
        "dfs.namenode.https-address": f"127.0.0.1:{port}",
        "dfs.datanode.https.address": "127.0.0.1:0",
    }
    return Tls(ca, port, conf, [directory / "conf"])


def make_ca(directory: Path, name: str) -> Path:
    """A CA's certificate; its key lies beside it."""
    pem = directory / f"{name}.pem"
    subject = ["-subj", f"/CN={name}", "-days", "2"]
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{pem}.key", "-out", pem, *subject)
    return pem


def _keystore(directory: Path, ca: Path) -> Path:
    """A keystore with a certificate for this host that the CA signed."""
    key, request, certificate = (directory / f"server.{kind}" for kind in ("key", "csr", "pem"))
    names = directory / "names"
    names.write_text("subjectAltName = DNS:localhost, IP:127.0.0.1")
    _openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=localhost")
    signing = ["-CA", ca, "-CAkey", f"{ca}.key", "-CAcreateserial", "-days", "2", "-extfile", names]
    _openssl("x509", "-req", "-in", request, "-out", certificate, *signing)
    store = directory / "server.p12"
    pair = ["-in", certificate, "-inkey", key, "-name", "server"]
    _openssl("pkcs12", "-export", *pair, "-out", store, "-passout", f"pass:{_PASSWORD}")
    return store


def _openssl(*arguments: object) -> None:
    command = ["openssl", *map(str, arguments)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        raise BedError("no `openssl` on PATH: install it") from None
    if run.returncode != 0:
        raise BedError(f"{' '.join(command)} ended with {run.returncode}:\n{run.stderr[-2000:]}")

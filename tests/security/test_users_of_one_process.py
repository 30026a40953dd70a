"""One Python process whose ticket changes under it: each user is asked for by himself, within `freshness`, too."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.python.support import Child, environment, python
from tests.security.bed.secure_hdfs import SecureHdfs
from tests.security.reading import content, digest

pytestmark = pytest.mark.security

# Reads the file for each line: a JSON object with environment variables to set (null: unset) and options.
_PROCESS = """
import hashlib, json, os, sys
from hybridfs import HybridFileSystem
host, port, path, cache_dir = sys.argv[1:]
for line in sys.stdin:
    variables, options = json.loads(line)
    for name, value in variables.items():
        os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    fs = HybridFileSystem(host, int(port), cache_dir=cache_dir, freshness="30s", **options)
    try:
        print(hashlib.sha256(fs.cat_file(path)).hexdigest(), flush=True)
    except OSError as error:
        print(type(error).__name__, str(error).split(chr(10))[0], flush=True)
"""
REFUSED = "PermissionError"


class Process:
    """A process that reads alice's file as whom it is told to be."""

    def __init__(self, hdfs: SecureHdfs, cache_dir: Path) -> None:
        self._hdfs = hdfs
        data, path = content(), f"/alice/{cache_dir.name}"
        hdfs.put(path, data, "alice", permission="600")
        self.digest = digest(data)
        host, port = hdfs.authority.split(":")
        command = python(_PROCESS, host, port, path, cache_dir)
        self._child = Child(command, environment(**hdfs.with_cache(None)))

    def read(self, variables: dict[str, str | None], **options: object) -> str:
        """The digest of the file, or the class of an error and its text."""
        return self._child.ask(json.dumps([variables, options]))

    def end(self) -> None:
        self._child.end()


@pytest.fixture
def process(secure_hdfs: SecureHdfs, cache_dir: Path) -> Iterator[Process]:
    started = Process(secure_hdfs, cache_dir)
    yield started
    started.end()


def test_users_are_kept_apart(secure_hdfs: SecureHdfs, process: Process, tmp_path: Path) -> None:
    def ticket(user: str) -> dict[str, str | None]:
        return {"KRB5CCNAME": str(secure_hdfs.cache(user))}

    def keytab(user: str) -> dict[str, object]:
        return {"kerberos_principal": user, "kerberos_keytab": str(secure_hdfs.kdc.principal(user))}

    def cache(user: str) -> dict[str, object]:
        return {"kerberos_principal": user, "kerberos_cache": str(secure_hdfs.cache(user))}

    assert process.read(ticket("alice")) == process.digest
    assert process.read(ticket("bob")).startswith(REFUSED)
    assert process.read(ticket("alice")) == process.digest
    assert "no Kerberos ticket" in process.read({"KRB5CCNAME": str(tmp_path / "none")})
    assert process.read({}, **keytab("alice")) == process.digest
    assert process.read({}, **keytab("bob")).startswith(REFUSED)
    assert process.read({}, **cache("alice")) == process.digest
    assert process.read({}, **cache("bob")).startswith(REFUSED)
    assert process.read({**ticket("gateway"), "HADOOP_PROXY_USER": "alice"}) == process.digest
    assert process.read({"HADOOP_PROXY_USER": "bob"}).startswith(REFUSED)
    assert process.read({"HADOOP_PROXY_USER": None}).startswith(REFUSED)


def test_a_ticket_cache_that_becomes_anothers(secure_hdfs: SecureHdfs, process: Process, tmp_path: Path) -> None:
    """kinit over it, or another file in its place, while the process runs."""
    own = tmp_path / "tickets"
    shutil.copy(secure_hdfs.cache("alice"), own)
    assert process.read({"KRB5CCNAME": str(own)}) == process.digest
    shutil.copy(secure_hdfs.cache("bob"), own)
    assert process.read({}).startswith(REFUSED)
    secure_hdfs.kdc.kinit("alice", cache=own)
    assert process.read({}) == process.digest
    secure_hdfs.kdc.kinit("bob", cache=own)
    assert process.read({}).startswith(REFUSED)
    own.unlink()
    assert "no Kerberos ticket" in process.read({}, skip_instance_cache=True)


def test_it_goes_on_when_its_ticket_cache_is_renewed(secure_hdfs: SecureHdfs, process: Process) -> None:
    """Nothing renews it by itself: who connects after the ticket's end is refused, until kinit has run."""
    fresh = secure_hdfs.kdc.kinit("alice")
    assert process.read({"KRB5CCNAME": str(fresh)}) == process.digest
    own, expires = secure_hdfs.kdc.kinit("alice", lifetime="5s"), time.monotonic() + 5
    time.sleep(max(0.0, expires + 1 - time.monotonic()))
    assert "Kerberos ticket has expired: run kinit" in process.read({"KRB5CCNAME": str(own)}, skip_instance_cache=True)
    secure_hdfs.kdc.kinit("alice", cache=own)
    assert process.read({}, skip_instance_cache=True) == process.digest

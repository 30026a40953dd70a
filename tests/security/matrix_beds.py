"""The HDFS under the permission matrix, with its users' groups, and roots that users of this host share."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spark_ext.bed import Hdfs
from tests.security.bed.kdc import Kdc
from tests.security.bed.secure_hdfs import SecureHdfs
from tests.security.readers import Cluster, Stage
from tests.torture.readers import User

# Of HDFS: who is in which group. Those of the servers' conf need no accounts on this host.
GROUPS = {
    "hadoop.user.group.static.mapping.overrides": "alice=owners;bob=staff;carol=guests;root=supergroup;hdfs=supergroup",
    "hadoop.security.groups.cache.secs": "1",
    **{f"hadoop.proxyuser.gateway.{what}": "*" for what in ("hosts", "groups")},  # may act for others
}
SHARED_GID = 42_000
PRIVATE, SHARED = 0o700, 0o2770
OWNER_UID, OTHER_UID = 41_001, 41_002


class Bed:
    """An `Hdfs` as `readers.Cluster`."""

    def __init__(self, hdfs: Hdfs) -> None:
        self.hdfs = hdfs
        self.name = "Kerberos" if isinstance(hdfs, SecureHdfs) else "SIMPLE"
        self.authority = hdfs.authority

    def web(self, method: str, path: str, **parameters: object) -> dict[str, Any]:
        return self.hdfs.web(method, path, **parameters)  # type: ignore[arg-type]

    def login(self, user: User, home: Path) -> Mapping[str, str]:
        if not isinstance(self.hdfs, SecureHdfs):
            return self.hdfs.as_user(user.name)
        copies = {}
        for source, name in ((self.hdfs.cache(user.name), "tickets"), (self.hdfs.krb5_conf, "krb5.conf")):
            copies[name] = home / name
            copies[name].write_bytes(source.read_bytes())
            copies[name].chmod(0o600)
            os.chown(copies[name], user.uid, user.gid)
        return self.hdfs.with_cache(copies["tickets"], copies["krb5.conf"])

    def namenode_log(self) -> str:
        return self.hdfs.role("namenode0").log_text()


@dataclass
class House:
    """An HDFS, a directory open to all users of this host, and what starts readers."""

    cluster: Cluster
    scratch: Path
    stage: Stage
    roots: list[Path] = field(default_factory=list)

    def user(self, name: str, *, other: bool = False) -> User:
        """An HDFS user; on this host the owner of the roots, or ``other``, a member of their group."""
        uid = OTHER_UID if other else OWNER_UID
        return User(uid, uid, (SHARED_GID,), name=name)

    def root(self, mode: int) -> Path:
        """An empty root."""
        made = self.scratch / f"root{len(self.roots)}"
        made.mkdir()
        self.roots.append(made)
        os.chown(made, OWNER_UID, SHARED_GID)
        made.chmod(mode)
        return made


@contextmanager
def open_scratch() -> Iterator[Path]:
    """A temporary directory that all users of this host may go through and write to."""
    with tempfile.TemporaryDirectory(prefix="hybridfs-matrix-") as name:
        Path(name).chmod(0o1777)
        yield Path(name)


@contextmanager
def house_of(cluster: Cluster, scratch: Path) -> Iterator[House]:
    """A house over a cluster that runs; `/matrix` is alice's, `/closed` nobody's but the superuser's."""
    for path, mode in (("/matrix", "0755"), ("/closed", "0700")):
        cluster.web("PUT", path, op="MKDIRS", permission=mode)
    cluster.web("PUT", "/matrix", op="SETOWNER", owner="alice", group="owners")
    with Stage(cluster, scratch) as stage:
        house = House(cluster, scratch, stage)
        yield house
    for root in house.roots:
        if (root / "cache-id").exists():
            shutil.rmtree(memory_of(root), ignore_errors=True)  # lies elsewhere


def memory_of(root: Path) -> Path:
    """The directory of a root's memory tier (FORMAT.md section 1)."""
    return Path("/dev/shm") / f"hybridfs-{(root / 'cache-id').read_text().strip()}"


@contextmanager
def simple_house() -> Iterator[House]:
    """A house over an HDFS of its own, which believes whom a client says it is."""
    with (
        open_scratch() as scratch,
        Hdfs(datanodes=1, conf=GROUPS, scratch=_below(scratch, "hdfs")) as hdfs,
        house_of(Bed(hdfs), scratch) as house,
    ):
        yield house


@contextmanager
def secure_house() -> Iterator[House]:
    """A house over an HDFS of its own, which knows its users by their tickets."""
    with (
        open_scratch() as scratch,
        Kdc("ONPREM") as kdc,
        SecureHdfs(kdc, datanodes=1, conf=GROUPS, scratch=_below(scratch, "hdfs")) as hdfs,
        house_of(Bed(hdfs), scratch) as house,
    ):
        yield house


def _below(scratch: Path, name: str) -> Path:
    made = scratch / name
    made.mkdir()
    made.chmod(0o755)
    return made

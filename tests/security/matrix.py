"""The permission matrix: who reads by which right, and what takes it from him. HDFS gives the verdicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.security.readers import Cluster

FILES = ("data.txt", "data.parquet")


@dataclass(frozen=True)
class Access:
    """What is set of a file before it is read: its mode, its group and further entries of its ACL."""

    mode: str
    group: str = "owners"
    acl: str = ""


@dataclass(frozen=True)
class Role:
    """A reader of alice's files, and by which right he reads them, or by which entry he must not."""

    name: str
    user: str
    before: Access
    readable: bool = True  # before anything changes; the set-up is wrong if HDFS disagrees


ROLES = (
    Role("owner", "alice", Access("0600")),
    Role("group", "bob", Access("0640", "staff")),
    Role("other", "carol", Access("0604", "staff")),
    Role("ACL-allowed", "carol", Access("0600", acl="user:carol:r--")),
    Role("ACL-denied", "bob", Access("0644", "staff", "user:bob:---"), readable=False),
)
USERS = tuple(dict.fromkeys(role.user for role in ROLES))

# What takes the right, of each role; for who is denied by an entry, what is likely to be taken for a permission.
_MODES = {"owner": "0000", "group": "0600", "other": "0640", "ACL-allowed": "0600", "ACL-denied": "0666"}
_ACLS = {
    "owner": "user::---,group::r--,other::r--",
    "group": "user::rw-,group::r--,user:bob:---,other::---",
    "other": "user::rw-,group::---,user:carol:---,other::r--",
    "ACL-allowed": "user::rw-,group::---,user:carol:---,other::---",
    "ACL-denied": "user::rw-,group::---,user:bob:r--,other::---",
}
_OWNERS = {
    "owner": {"owner": "mallory"},
    "group": {"group": "owners"},
    "other": {"group": "guests"},  # of whose rights carol has none
    "ACL-allowed": {"owner": "mallory"},  # takes nothing from her
    "ACL-denied": {"owner": "bob"},
}


@dataclass(frozen=True)
class Cell:
    """One role and one change, with files of its own."""

    role: Role
    change: str
    batch: str

    @property
    def directory(self) -> str:
        return f"/matrix/{self.name}"

    @property
    def moved(self) -> str:
        """Where its directory is after the change `move`: below one that is closed."""
        return f"/closed/{self.name}"

    @property
    def name(self) -> str:
        return f"{self.batch}-{self.role.name}-{self.change}"

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(f"{self.directory}/{name}" for name in FILES)

    @property
    def later_paths(self) -> tuple[str, ...]:
        """Where to look for the files after the change."""
        moved = tuple(f"{self.moved}/{name}" for name in FILES) if self.change == "move" else ()
        return self.paths + moved


def prepare(cluster: Cluster, cell: Cell) -> None:
    """Gives the files, which alice has written, to their role."""
    access = cell.role.before
    for path in cell.paths:
        cluster.web("PUT", path, op="SETOWNER", group=access.group)
        cluster.web("PUT", path, op="SETPERMISSION", permission=access.mode)
        if access.acl:
            cluster.web("PUT", path, op="MODIFYACLENTRIES", aclspec=access.acl)


def _chmod(cluster: Cluster, cell: Cell) -> None:
    for path in cell.paths:
        cluster.web("PUT", path, op="SETPERMISSION", permission=_MODES[cell.role.name])


def _setfacl(cluster: Cluster, cell: Cell) -> None:
    for path in cell.paths:
        cluster.web("PUT", path, op="SETACL", aclspec=_ACLS[cell.role.name])


def _chown(cluster: Cluster, cell: Cell) -> None:
    for path in cell.paths:
        cluster.web("PUT", path, op="SETOWNER", **_OWNERS[cell.role.name])


def _delete(cluster: Cluster, cell: Cell) -> None:
    for path in cell.paths:
        _done(cluster.web("DELETE", path, op="DELETE"))


def _move(cluster: Cluster, cell: Cell) -> None:
    _done(cluster.web("PUT", cell.directory, op="RENAME", destination=cell.moved))


def _done(answer: dict[str, Any]) -> None:
    assert answer == {"boolean": True}, answer


CHANGES: dict[str, Callable[[Cluster, Cell], None]] = {
    "chmod": _chmod,
    "setfacl": _setfacl,
    "chown": _chown,
    "delete": _delete,
    "move": _move,
}


def cells(batch: str, roles: tuple[Role, ...] = ROLES, changes: tuple[str, ...] = tuple(CHANGES)) -> list[Cell]:
    """A cell of each role and change."""
    return [Cell(role, change, batch) for change in changes for role in roles]

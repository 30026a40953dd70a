"""A root directory: who may share it, its id and its block size (FORMAT.md section 1)."""

from __future__ import annotations

import os
import stat
import uuid
from dataclasses import dataclass

from hybridfs.errors import BadOption
from hybridfs.publishing import make_directories, patiently, write_once
from hybridfs.values import is_block_size

DEFAULT_BLOCK_SIZE = 1 << 20
SHARED_MEMORY = "/dev/shm"


class UnusableRoot(OSError):
    """The directory cannot be used as a cache; the text says what mends it."""


@dataclass(frozen=True)
class Modes:
    """The root's sharing policy."""

    directory: int
    file: int
    shared: bool


PRIVATE = Modes(0o700, 0o600, shared=False)
SHARED = Modes(0o2770, 0o660, shared=True)


def prepare_directory(path: str, modes: Modes = PRIVATE, group: int = -1) -> Modes:
    """Makes the directory if it is missing and returns its sharing policy. Raises UnusableRoot or OSError."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.mkdir(path, modes.directory)
        if modes.shared:
            os.chown(path, -1, group)
        os.chmod(path, modes.directory)
    except FileExistsError:
        pass
    found = os.stat(path)
    if not stat.S_ISDIR(found.st_mode):
        raise UnusableRoot(f"cache directory {path} is not a directory")
    modes = _policy(path, found)
    patiently(lambda: make_directories(os.path.join(path, "v1", "tmp"), path, modes.directory))
    return modes


def _policy(path: str, found: os.stat_result) -> Modes:
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o002 or (mode & 0o020 and not mode & stat.S_ISGID):
        who = "everybody" if mode & 0o002 else "its group"
        raise UnusableRoot(f"cache directory {path} is writable by {who}; run: chmod 700 {path}, or 2770 to share")
    shared = bool(mode & 0o020)
    trusted_owner = found.st_uid in (os.geteuid(), 0)
    if not trusted_owner and not (shared and found.st_gid in {os.getegid(), *os.getgroups()}):
        raise UnusableRoot(f"cache directory {path} belongs to user {found.st_uid}; name another with cache_dir")
    return SHARED if shared else PRIVATE


@dataclass(frozen=True)
class Root:
    """An opened root."""

    path: str
    modes: Modes
    cache_id: str
    block_size: int

    @property
    def fills_directory(self) -> str:
        return os.path.join(self.path, "fills")

    @property
    def memory_directory(self) -> str:
        return os.path.join(SHARED_MEMORY, f"hybridfs-{self.cache_id}")


def open_root(path: str, block_size: int | None) -> Root:
    """Opens or makes a root. Raises BadOption if ``block_size`` differs from the root's, OSError if it is unusable."""
    modes = prepare_directory(path)
    cache_id = write_once(os.path.join(path, "cache-id"), f"{uuid.uuid4()}\n".encode(), modes.file)
    content = f"block_size={block_size or DEFAULT_BLOCK_SIZE}\n".encode()
    layout = write_once(os.path.join(path, "v1", "layout"), content, modes.file)
    try:
        recorded = int(layout.strip().removeprefix(b"block_size="))
        identifier = str(uuid.UUID(cache_id.decode().strip()))
        if not is_block_size(recorded):
            raise ValueError(recorded)
    except ValueError:
        raise UnusableRoot(f"{path} has a garbled cache-id or v1/layout; remove it, it is only a cache") from None
    if block_size is not None and block_size != recorded:
        raise BadOption(
            f"option block_size: {path} was made with {recorded} bytes, not {block_size}; "
            "leave the option out or name another cache_dir"
        )
    return Root(path, modes, identifier, recorded)

"""Atomic writes: a file appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_ATTEMPTS = 3
_MOMENT = 0.002
_T = TypeVar("_T")


def temporary_name() -> str:
    return f"{os.getpid()}-{secrets.token_hex(8)}"


def write_new(path: str, parts: Sequence[bytes | memoryview], mode: int) -> None:
    """Writes a file that must not exist; on any error it is gone again."""
    fd = os.open(path, _NEW, mode)
    try:
        try:
            os.fchmod(fd, mode)  # whatever the umask says
            _write_all(fd, parts)
        finally:
            os.close(fd)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise


def _write_all(fd: int, parts: Sequence[bytes | memoryview]) -> None:
    written = os.writev(fd, parts)
    if written < sum(len(part) for part in parts):  # a nearly full disk
        rest = memoryview(b"".join(parts))[written:]
        while rest:
            rest = rest[os.write(fd, rest) :]


def patiently(act: Callable[[], _T]) -> _T:
    """Does ``act`` again after a moment if it is not permitted: a directory that another user makes gets its mode late.

    Between its making and its chmod the other's umask holds.
    """
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(PermissionError):
            return act()
        time.sleep(_MOMENT)
    return act()


def make_directories(path: str, below: str, mode: int) -> None:
    """Makes ``path`` and its missing parents below the directory ``below``, each with ``mode``."""
    missing = []
    while path != below and not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for directory in reversed(missing):
        try:
            os.mkdir(directory, mode)
            os.chmod(directory, mode)
        except FileExistsError:
            continue


def rename_into(temporary: str, target: str, below: str, directory_mode: int) -> None:
    """Renames, making the target's directory, which an evictor may remove at any moment; cleans up on failure."""
    try:
        patiently(lambda: _rename(temporary, target, below, directory_mode))
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _rename(temporary: str, target: str, below: str, directory_mode: int) -> None:
    for attempt in range(_ATTEMPTS + 1):
        try:
            if attempt:
                make_directories(os.path.dirname(target), below, directory_mode)
            os.rename(temporary, target)
            break
        except FileNotFoundError:
            if attempt == _ATTEMPTS:
                raise


def write_aside(target: str, content: bytes, mode: int) -> None:
    """Replaces a small file at once."""
    temporary = f"{target}.{temporary_name()}"
    write_new(temporary, [content], mode)
    os.rename(temporary, target)


def never_waiting(path: str, flags: int) -> int:
    """An opener for ``open()``: whoever may put a pipe or a link in a file's place must not hang who reads it."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)


def read_whole(path: str) -> bytes:
    """What a file holds."""
    with open(path, "rb", opener=never_waiting) as file:
        return file.read() or b""  # None: of a pipe


def write_once(target: str, content: bytes, mode: int) -> bytes:
    """Makes a small file unless it exists; returns what the file then holds."""
    try:
        return read_whole(target)
    except FileNotFoundError:
        temporary = f"{target}.{temporary_name()}"
        write_new(temporary, [content], mode)
        try:
            with contextlib.suppress(FileExistsError):
                os.link(temporary, target)
        finally:
            with contextlib.suppress(FileNotFoundError):  # upkeep may have been faster
                os.unlink(temporary)
    return read_whole(target)

"""The errors that hybridfs adds to Python's own; all are builtin exceptions to a caller who does not know them."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any


class BadOption(ValueError):
    """An option is unknown or its value cannot be used; the text names the option, the value and the way out."""


class _ToldError(OSError):
    """One whose arguments are not OSError's: it crosses between processes (``multiprocessing``) all the same."""

    def __reduce__(self) -> tuple[Callable[..., OSError], tuple[Any, ...], dict[str, Any]]:
        return _again, (type(self), self.errno, self.strerror, self.filename), self.__dict__


def _again(kind: type[OSError], *told: Any) -> OSError:
    error = kind.__new__(kind)
    OSError.__init__(error, *told)
    return error


class FileChanged(_ToldError):
    """The file changed or vanished at its origin while a reader was pinned to an older version of it."""

    def __init__(self, path: str, how: str = "changed") -> None:
        super().__init__(
            errno.ESTALE,
            f"file {how} at its origin since it was opened; open it again (in Spark: REFRESH TABLE)",
            path,
        )


class OriginUnreachable(_ToldError):
    """The origin gave no answer: it refused the connection, kept silent, or has a name that nobody knows."""

    def __init__(self, text: str, path: str | None = None) -> None:
        super().__init__(errno.EHOSTUNREACH, text, path)


class CorruptBlock(Exception):
    """A cached block is not what it should be (FORMAT.md section 4); never leaves the engine."""

    def __init__(self, reason: str, counter: str = "corrupt", *, unlink: bool = True) -> None:
        super().__init__(reason)
        self.counter = counter
        self.unlink = unlink

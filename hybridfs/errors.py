"""The errors that hybridfs adds to Python's own; all are builtin exceptions to a caller who does not know them."""

from __future__ import annotations

import errno


class BadOption(ValueError):
    """An option is unknown or its value cannot be used; the text names the option, the value and the way out."""


class FileChanged(OSError):
    """The file changed or vanished at its origin while a reader was pinned to an older version of it."""

    def __init__(self, path: str, how: str = "changed") -> None:
        super().__init__(
            errno.ESTALE,
            f"file {how} at its origin since it was opened; open it again (in Spark: REFRESH TABLE)",
            path,
        )


class OriginUnreachable(OSError):
    """The origin gave no answer: it refused the connection, kept silent, or has a name that nobody knows."""

    def __init__(self, text: str, path: str | None = None) -> None:
        super().__init__(errno.EHOSTUNREACH, text, path)


class CorruptBlock(Exception):
    """A cached block is not what it should be (FORMAT.md section 4); never leaves the engine."""

    def __init__(self, reason: str, counter: str = "corrupt", *, unlink: bool = True) -> None:
        super().__init__(reason)
        self.counter = counter
        self.unlink = unlink

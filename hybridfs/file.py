"""The file objects that readers and writers get."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable
from typing import Any

from hybridfs.stream import Stream

_LINE_WINDOW = 16 << 10


class HybridFile(io.RawIOBase):
    """A file opened for reading, pinned to one version.

    Raises FileChanged (an OSError) when bytes are needed from the origin that has another version by then.
    ``reopen`` gives a stream of the same path, for a child after a fork.
    """

    mode = "rb"

    def __init__(self, fs: Any, path: str, reopen: Callable[[], Stream], info: Callable[[], dict[str, Any]]) -> None:
        super().__init__()
        self.fs = fs
        self.path = self.name = path
        self._reopen = reopen
        self._info = info
        self._inner = reopen()
        self._pid = os.getpid()
        self._position = 0
        self._window = (0, b"")
        self.size = self._inner.length

    @property
    def _stream(self) -> Stream:
        if self.closed:
            raise ValueError("I/O operation on a closed file")
        if self._pid != os.getpid():
            self._inner = self._inner.replaced_by(self._reopen())
            self._pid = os.getpid()
        return self._inner

    @property
    def details(self) -> dict[str, Any]:
        return self._info()

    def info(self) -> dict[str, Any]:
        return self._info()

    def close(self) -> None:
        if not self.closed and hasattr(self, "_inner"):  # not if it could not be opened
            self._inner.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if self.closed:
            raise ValueError("I/O operation on a closed file")
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}.get(whence)
        if base is None:
            raise ValueError(f"invalid whence ({whence}, should be 0, 1 or 2)")
        if base + offset < 0:
            raise ValueError(f"seek before the start of the file ({base + offset})")
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to ``size`` bytes, less only at the end of the file."""
        stream = self._stream
        start, size = self._advance(size)
        try:
            return stream.read(start, size) if size else b""
        except BaseException:
            self._position = start
            raise

    read1 = read

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: Any, /) -> int:
        target = memoryview(buffer).cast("B")
        stream = self._stream
        start, size = self._advance(len(target))
        try:
            if size:
                stream.read_into(start, target[:size])
        except BaseException:
            self._position = start
            raise
        return size

    readinto1 = readinto

    def read_buffer(self, size: int | None = -1, /) -> memoryview:
        """Like ``read``, without a copy where the bytes lie in one mapped block; pyarrow asks for it."""
        stream = self._stream
        start, size = self._advance(size)
        try:
            return stream.view(start, size) if size else memoryview(b"")
        except BaseException:
            self._position = start
            raise

    def pread(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes at ``offset``; the position stays."""
        size = min(size, self.size - offset)
        return self._stream.read(offset, size) if size > 0 else b""

    def readline(self, size: int | None = -1, /) -> bytes:
        limit = self.size if size is None or size < 0 else size
        pieces = []
        while limit > 0 and (rest := self._rest_of_window()):
            end = rest.find(b"\n") + 1
            piece = rest[: min(end or len(rest), limit)]
            pieces.append(piece)
            self._position += len(piece)
            limit -= len(piece)
            if piece.endswith(b"\n"):
                break
        return b"".join(pieces)

    def _rest_of_window(self) -> bytes:
        """Some bytes from the position on; lines are cut out of one window, which stays true: the version is pinned."""
        start, window = self._window
        if not start <= self._position < start + len(window):
            start, window = self._window = self._position, self.pread(self._position, _LINE_WINDOW)
        return window[self._position - start :]

    def _advance(self, size: int | None) -> tuple[int, int]:
        """Where a read of up to ``size`` bytes starts, and how many it gets; the position moves on at once."""
        start = self._position
        left = max(0, self.size - start)
        size = left if size is None or size < 0 else min(size, left)
        self._position = start + size
        return start, size

    def __reduce__(self) -> tuple[Any, ...]:
        return _open_again, (self.fs, self.path, self._position)


class ThreadedFile(HybridFile):
    """A file in which each thread has a position of its own, for readers whose threads share one."""

    def __init__(self, fs: Any, path: str, reopen: Callable[[], Stream], info: Callable[[], dict[str, Any]]) -> None:
        self._of_thread = threading.local()
        super().__init__(fs, path, reopen, info)

    @property
    def _position(self) -> int:
        return getattr(self._of_thread, "position", 0)

    @_position.setter
    def _position(self, position: int) -> None:
        self._of_thread.position = position

    def readline(self, size: int | None = -1, /) -> bytes:
        self._window = (0, b"")
        return super().readline(size)


def _open_again(fs: Any, path: str, position: int) -> HybridFile:
    file: HybridFile = fs.open(path)
    file.seek(position)
    return file


class PassThroughWriter(io.RawIOBase):
    """The origin's writer; ``closed`` is called when it is closed, for then the file is another."""

    mode = "wb"

    def __init__(self, inner: Any, on_close: Callable[[], None]) -> None:
        super().__init__()
        self._inner = inner
        self._on_close = on_close
        self._written = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._inner.write(data)
        size = memoryview(data).nbytes
        self._written += size
        return size

    def tell(self) -> int:
        """Bytes written through this writer."""
        return self._written

    def flush(self) -> None:
        if not self.closed:
            self._inner.flush()

    def close(self) -> None:
        if not self.closed:
            super().close()
            try:
                self._inner.close()
            finally:
                self._on_close()

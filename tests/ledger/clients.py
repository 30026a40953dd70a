"""One client in each language, that opens, reads, lists and writes as it is told, through the cache or past it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from hybridfs import HybridFileSystem
from hybridfs.config import hadoop_options
from spark_ext.bed import Hdfs
from tests.python.support import Child, settle_process
from tests.torture.jvm import compiled, java_command

_T = TypeVar("_T")
_PIECE = 1 << 16
_SOURCE = str(Path(__file__).with_name("LedgerWorker.java"))


class Client(Protocol):
    """All calls return when what they set off is done, too."""

    def begin(self, **options: Any) -> None:
        """From now on through a new file system that has been connected."""

    def open(self, path: str) -> int:
        """Opens a file without a status of it and reads it; its length."""

    def list(self, path: str) -> int:
        """How many children."""

    def scan(self, path: str) -> int:
        """The directories below a path, one after the other as Spark lists, or by Python's `find`; how many files."""

    def exists(self, path: str) -> bool: ...

    def write(self, path: str, size: int) -> None: ...

    def end(self) -> None: ...


class JavaClient:
    """A JVM with the jar; it alone can bring a status to an open, and make what the others read."""

    def __init__(self, hdfs: Hdfs, scratch: Path) -> None:
        classes = compiled(scratch, _SOURCE)
        conf = [f"{key}={value}" for key, value in hdfs.client_conf().items()]
        self._child = Child(java_command(classes, "LedgerWorker", hdfs.url, *conf, heap="256m"))

    def begin(self, **options: Any) -> None:
        self.ask("with", *(f"{key}={value}" for key, value in hadoop_options(**options).items()))

    def plain(self, **conf: str) -> None:
        """From now on past the cache, with such Hadoop properties."""
        self.ask("plain", *(f"{key}={value}" for key, value in conf.items()))

    def ask(self, *words: object) -> int:
        told = self._child.ask(" ".join(map(str, words)))
        assert told, f"the JVM died of {words}; see its errors above"
        return int(told)

    def look(self, path: str) -> int:
        """Remembers the status of a file for `open_looked`."""
        return self.ask("look", path)

    def open_looked(self, path: str) -> int:
        """Opens the file that was looked at with its status, and reads it."""
        return self.ask("openLooked")

    def open(self, path: str) -> int:
        return self.ask("open", path)

    def list(self, path: str) -> int:
        return self.ask("list", path)

    def list_located(self, path: str) -> int:
        return self.ask("listLocated", path)

    def scan(self, path: str) -> int:
        return self.ask("scan", path)

    def exists(self, path: str) -> bool:
        return bool(self.ask("exists", path))

    def write(self, path: str, size: int) -> None:
        self.ask("make", path, size)

    def end(self) -> None:
        self._child.end()


class PythonClient:
    """hybridfs in this process."""

    def __init__(self, hdfs: Hdfs) -> None:
        host, port = hdfs.authority.split(":")
        self._where = {"host": host, "port": int(port)}
        self._fs: Any = None

    def begin(self, **options: Any) -> None:
        self._fs = HybridFileSystem(**self._where, **options, skip_instance_cache=True)
        self._fs.info("/")

    def open(self, path: str) -> int:
        def read() -> int:
            with self._fs.open(path) as file:
                return sum(map(len, iter(lambda: file.read(_PIECE), b"")))

        return self._settled(read)

    def list(self, path: str) -> int:
        return self._settled(lambda: len(self._fs.ls(path, detail=True)))

    def scan(self, path: str) -> int:
        return self._settled(lambda: len(self._fs.find(path)))

    def exists(self, path: str) -> bool:
        return self._settled(lambda: bool(self._fs.exists(path)))

    def write(self, path: str, size: int) -> None:
        def write() -> int:
            with self._fs.open(path, "wb") as file:
                return int(file.write(bytes(size)))

        self._settled(write)

    def end(self) -> None:
        self._fs = None

    @staticmethod
    def _settled(do: Callable[[], _T]) -> _T:
        found = do()
        settle_process()
        return found

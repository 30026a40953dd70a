"""What several tests need: an origin whose every call a test can see, delay, fail and change, and small helpers."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from hybridfs import config, runtime
from hybridfs.engine import Engine
from hybridfs.file import HybridFile
from hybridfs.grants import Grants
from hybridfs.layout import Identity, domain_name
from hybridfs.origin.base import OriginReader, Status, short_read
from hybridfs.root import open_root
from hybridfs.stats import Miss, Stats
from hybridfs.store import Store

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parents[2]
KIB, MIB = 1 << 10, 1 << 20
BLOCK = 64 * KIB  # the smallest block size, so that tests are quick


def pattern(size: int, seed: int = 0) -> bytes:
    """Bytes that differ from block to block and from seed to seed."""
    return random.Random(seed).randbytes(size)


def wait_for(condition: Callable[[], object], what: str, seconds: float = 20) -> None:
    """Returns when the condition holds; fails, naming ``what``, when it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.005)


# ---- an origin in this process


@dataclass(frozen=True)
class Version:
    """One version of a file."""

    data: bytes
    token: str
    validator: int
    inode: int  # the same as the version's before, if that was changed in place

    @property
    def status(self) -> Status:
        return Status(len(self.data), self.token, self.validator)


class ScriptedOrigin:
    """Files in memory. ``hook(call, path)`` runs before and after each call of the origin; it may write or raise.

    ``readers`` of an object store (``path``) read whatever the path has at the time; those of local files (``handle``)
    and of HDFS (``blocks``, which know the file's length) what they opened, and what was done to that in place since.
    """

    def __init__(self, readers: Literal["path", "handle", "blocks"] = "blocks", *, domain: str = "test") -> None:
        self.domain, self.plaintext_domain = domain, f"{domain}%2Bplaintext"
        self.caller = "tester (auth:SIMPLE)"
        self.encrypted: set[str] = set()  # paths in an encryption zone; only an open tells
        self.readers = readers
        self.fs: Any = None
        self.files: dict[str, Version] = {}
        self.calls: Counter[str] = Counter()
        self.bytes_read = 0
        self.hook: Callable[[str, str], None] = lambda call, path: None
        self._written = 0
        self._lock = threading.Lock()

    def write(
        self, path: str, data: bytes, token: str | None = None, validator: int = 0, *, in_place: bool = False
    ) -> Version:
        """A new version of the file."""
        with self._lock:
            self._written += 1
            before = self.files.get(path)
            inode = before.inode if before and in_place else self._written
            version = Version(data, token or str(1_700_000_000_000 + self._written), validator, inode)
            self.files[path] = version
            return version

    def remove(self, path: str) -> None:
        del self.files[path]

    def uri(self, path: str) -> str:
        return f"test://origin{path}"

    def identity(self, path: str) -> Identity:
        """Of the version that is there now."""
        version = self.files[path]
        return Identity(self.domain, self.uri(path), version.token, len(version.data))

    def status(self, path: str, *, briefly: bool = False) -> Status:
        with self._call("status", path):
            return self._version(path).status

    def open(self, path: str) -> OriginReader:
        with self._call("open", path):
            return _Reader(self, path, self._version(path))

    def _version(self, path: str) -> Version:
        try:
            return self.files[path]
        except KeyError:
            raise FileNotFoundError(2, "no such file", path) from None

    @contextmanager
    def _call(self, name: str, path: str) -> Iterator[None]:
        with self._lock:
            self.calls[name] += 1
        self.hook(f"before {name}", path)
        yield
        self.hook(f"after {name}", path)


class _Reader:
    def __init__(self, origin: ScriptedOrigin, path: str, version: Version) -> None:
        self._origin = origin
        self._path = path
        self._opened = version
        self.length = len(version.data) if origin.readers == "blocks" else -1
        self.encrypted = path in origin.encrypted

    def _now(self) -> Version:
        if self._origin.readers == "path":
            return self._origin._version(self._path)
        present = self._origin.files.get(self._path)
        return present if present and present.inode == self._opened.inode else self._opened

    def read_range(self, offset: int, size: int) -> bytes:
        with self._origin._call("read", self._path):
            data = self._now().data[offset : offset + size]
            if len(data) != size:
                raise short_read(self._path, offset, size, len(data))
            self._origin.bytes_read += size
            return data


# ---- a cache in this process


class Cache:
    """One engine as a process has it, with counters of its own."""

    def __init__(self, root: Path, **options: Any) -> None:
        defaults = {"block_size": BLOCK, "min_free": 0, "lock_timeout": "10s", "freshness": 0}
        self.settings = config.settings(cache_dir=str(root), **(defaults | options))
        self.stats = Stats()
        self.engine = Engine(self.settings, self.stats)
        self._grants: dict[int, Grants] = {}

    @property
    def store(self) -> Store:
        assert isinstance(self.engine.store, Store)
        return self.engine.store

    @property
    def counts(self) -> dict[str, int]:
        return self.stats.snapshot()

    def open(self, origin: Any, path: str) -> HybridFile:
        grants = self._grants.setdefault(id(origin), Grants(self.settings.freshness))
        return HybridFile(None, path, lambda: self.engine.open(origin, grants, path), dict)

    def read(self, origin: Any, path: str) -> bytes:
        with self.open(origin, path) as file:
            return file.read()

    def settle(self) -> None:
        """Waits until everything that was read has been published; that happens after delivery."""
        settle(self.engine)

    def close(self) -> None:
        self.settle()
        self.engine._fetcher._pool.shutdown()
        self.engine.abandon()


def settle(engine: Engine) -> None:
    pool = engine._fetcher._pool
    threads = pool._max_workers
    meeting = threading.Barrier(threads + 1)
    for _ in range(threads):  # the queue is first in, first out: when all threads meet, all earlier work is done
        pool.submit(meeting.wait, 30)
    meeting.wait(30)
    assert engine._keeper.drain(30)
    if isinstance(engine.store, Store) and engine.store._upkeep:
        engine.store._upkeep.join(30)


def settle_process(cache_dir: str | None = None) -> None:
    """Waits until this process has published everything that it read (through ``cache_dir``)."""
    for settings, engine in list(runtime.current()._engines.items()):
        if cache_dir in (None, settings.cache_dir):
            settle(engine)


@contextmanager
def cache(root: Path, **options: Any) -> Iterator[Cache]:
    """A `Cache` that is closed at the end."""
    opened = Cache(root, **options)
    try:
        yield opened
    finally:
        opened.close()


def new_store(root: Path, **options: Any) -> tuple[Store, Stats]:
    """A store, without an engine."""
    stats = Stats()
    settings = config.settings(**({"cache_dir": str(root), "block_size": BLOCK, "min_free": 0} | options))
    return Store(open_root(str(root), settings.block_size), settings, stats), stats


OF_BLOCKS = ("cold", "version_changed", "corrupt", "lock_timeout", "tier_off", "no_space", "fill_limit")


def misses(counts: Mapping[str, int]) -> dict[str, int]:
    """The reasons that were counted; those of blocks must add up to the blocks missed."""
    assert sum(counts[f"miss_{reason}"] for reason in OF_BLOCKS) == counts["miss_blocks"]
    named = {reason.value: counts[f"miss_{reason}"] for reason in Miss}
    return {reason: count for reason, count in named.items() if count}


def blocks_in(root: Path) -> list[Path]:
    """All block files of a tier."""
    return [path for path in _numbered(root) if not path.parts[-4].endswith(_LISTINGS)]


def entries_in(root: Path) -> list[Path]:
    """All listings that a tier holds."""
    return [path for path in _numbered(root) if path.parts[-4].endswith(_LISTINGS)]


_LISTINGS = domain_name("+listings")


def _numbered(root: Path) -> list[Path]:
    """Not by glob: an evictor may remove a directory meanwhile."""
    found = (Path(at, name) for at, _, names in os.walk(root / "v1") for name in names if name.isdecimal())
    return sorted(path for path in found if len(path.relative_to(root).parts) == 5 and path.is_file())


def temporary_files(root: Path) -> list[Path]:
    return list(root.glob("v1/tmp/*"))


STRANGER = 4242


def make_socket(path: Path) -> None:
    """A socket in a file's place."""
    here = os.getcwd()
    os.chdir(path.parent)  # the path of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(here)


def belongs_to_a_stranger(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives the directory away or, where that is not allowed, is somebody else from now on."""
    if os.geteuid() == 0:
        os.chown(path, STRANGER, STRANGER)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
        monkeypatch.setattr(os, "getegid", lambda: STRANGER)
        monkeypatch.setattr(os, "getgroups", list)


# ---- other processes


def python(code: str, *arguments: object) -> list[str]:
    """The command that runs ``code``, in which hybridfs and tests can be imported."""
    return [sys.executable, "-c", code, *map(str, arguments)]


def environment(**variables: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)} | variables


def run_python(code: str, *arguments: object, **variables: str) -> str:
    """Runs ``code`` in a process of its own; returns its output, or fails with its errors."""
    done = subprocess.run(
        python(code, *arguments), env=environment(**variables), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


class Child:
    """A process that is told and tells by lines."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @property
    def pid(self) -> int:
        return self._process.pid

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    @property
    def output(self) -> IO[str]:
        """What it says, to wait for it together with others."""
        assert self._process.stdout is not None
        return self._process.stdout

    def hear(self) -> str:
        """The next line; empty when the process has ended."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")

    def ask(self, line: str) -> str:
        self.tell(line)
        return self.hear()

    def rest(self) -> list[str]:
        """All lines until the process ends, which it must do well."""
        assert self._process.stdout is not None
        lines = self._process.stdout.read().splitlines()
        assert self._process.wait(60) == 0
        return lines

    def kill(self) -> None:
        """As a power cut would."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        self.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with suppress(BrokenPipeError):
                    stream.close()


def in_namespace(body: Callable[..., None], *arguments: object) -> None:
    """Runs a function of a module in a process that may mount what it likes: with it its mounts are gone."""
    code = f"import sys; from {body.__module__} import {body.__name__} as body; body(*sys.argv[1:])"
    mapped = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["unshare", *mapped, "--mount", *python(code, *arguments)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@contextmanager
def talking_to(command: Sequence[str], env: Mapping[str, str] | None = None) -> Iterator[Child]:
    """A process that is killed at the end."""
    process = Child(command, env)
    try:
        yield process
    finally:
        process.end()


@contextmanager
def child(code: str, *arguments: object, **variables: str) -> Iterator[Child]:
    """A process that runs ``code`` and is killed at the end."""
    with talking_to(python(code, *arguments), environment(**variables)) as process:
        yield process


@contextmanager
def children(code: str, arguments: Sequence[Sequence[object]], **variables: str) -> Iterator[list[Child]]:
    """A process that runs ``code`` for each list of arguments."""
    with ExitStack() as stack:
        yield [stack.enter_context(child(code, *some, **variables)) for some in arguments]


def in_fork(check: Callable[[], bool], seconds: float = 60) -> None:
    """Runs ``check`` in a forked child, where it must be true."""
    pid = os.fork()
    if not pid:
        try:
            os._exit(0 if check() else 2)
        finally:
            os._exit(1)
    status = []

    def ended() -> bool:
        done, code = os.waitpid(pid, os.WNOHANG)
        status.extend([code] if done else [])
        return bool(done)

    try:
        wait_for(ended, "the child ends", seconds)
    finally:
        if not status:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status[0]) == 0

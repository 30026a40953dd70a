"""Reading processes of both languages as their parent has them, and the files of an HDFS that they read."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdfs_native import WriteOptions

from hybridfs import HybridFileSystem
from hybridfs.config import OPTIONS
from spark_ext.bed import Hdfs
from spark_ext.bed.tools import java
from tests.python.support import Child, environment, pattern
from tests.torture.jvm import compiled
from tests.torture.outcome import Outcome

_ANSWER_SECONDS = 90.0


@dataclass(frozen=True)
class User:
    """Who a reader is to be: numbers, which need no account, and the name that HDFS is told."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    umask: int = 0o022
    name: str = "alice"

    @property
    def command(self) -> list[str]:
        """What a command runs behind to be this user's."""
        groups = f"--groups={','.join(map(str, self.groups))}" if self.groups else "--clear-groups"
        become = ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", groups]
        return [*become, "sh", "-c", f'umask {self.umask:o}; exec "$@"', "sh"]


class Died(RuntimeError):
    """A reader ended, or was ended because it did not answer."""


class Reader:
    """A process that answers commands (see `tests.torture.reader`)."""

    def __init__(self, language: str, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.language = language
        self._log = log
        self._child = Child(["sh", "-c", 'exec "$@" 2>>"$0"', str(log), *command], env)
        assert self._answer().get("ready"), self.errors()[-3000:]

    @property
    def pid(self) -> int:
        return self._child.pid

    def ask(self, *words: object) -> dict[str, Any]:
        """The answer to a command; fails when there is none in time, or the command fails."""
        with suppress(BrokenPipeError):
            self._child.tell("\t".join(map(str, words)))
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        watchdog = threading.Timer(_ANSWER_SECONDS, self._child.kill)
        watchdog.start()
        try:
            line = self._child.hear()
        finally:
            watchdog.cancel()
        if not line.startswith("{"):
            self._child.kill()
            raise Died(
                f"{self.language} gave no answer in {_ANSWER_SECONDS} s, or died; its log: {self.errors()[-2000:]}"
            )
        answer: dict[str, Any] = json.loads(line)
        assert "failed" not in answer, f"{self.language}: {answer['failed']}"
        return answer

    def read(self, path: str) -> dict[str, Any]:
        return self.ask("read", path)

    def stats(self) -> dict[str, int]:
        return self.ask("stats")

    def know(self, files: Mapping[str, Path]) -> None:
        for path, copy in files.items():
            self.ask("file", path, copy)

    def errors(self) -> str:
        """What it wrote to its standard error."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def warnings(self) -> list[str]:
        """Its warnings about the cache."""
        return [line for line in self.errors().splitlines() if "cache directory" in line or "cache_dir" in line]

    def end(self) -> None:
        self._child.end()


@dataclass(frozen=True)
class NameNode:
    """An HDFS that somebody else started."""

    authority: str  # host:port

    @property
    def url(self) -> str:
        return f"hdfs://{self.authority}"


class Readers:
    """Starts readers of an HDFS; ends them all with the context. Their logs are in ``scratch``."""

    def __init__(self, hdfs: Hdfs | NameNode, scratch: Path, classes: Path | None = None) -> None:
        self._hdfs = hdfs
        self._scratch = scratch
        self._readers: list[Reader] = []
        self._classes = classes
        scratch.mkdir(exist_ok=True)

    def __enter__(self) -> Readers:
        return self

    def __exit__(self, *_: object) -> None:
        for reader in self._readers:
            reader.end()

    def start(
        self,
        language: str,
        root: Path,
        *,
        user: User | None = None,
        env: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
        **options: Any,
    ) -> Reader:
        """A reader in ``python`` or ``java``; ``before``: what its command runs behind."""
        options = {"cache_dir": str(root), "block_size": "64KiB", "min_free": "0", "freshness": "0"} | options
        log = self._scratch / f"{language}-{len(self._readers)}.log"
        command = self._java(options, user) if language == "java" else self._python(options, user)
        named = {"HADOOP_USER_NAME": user.name} if user else {}
        reader = Reader(language, [*before, *command], environment(**named, **(env or {})), log)
        self._readers.append(reader)
        return reader

    def _python(self, options: dict[str, Any], user: User | None) -> list[str]:
        host, port = self._hdfs.authority.split(":")
        patience = {"dfs.client.socket-timeout": "3000"}
        arguments = {"host": host, "port": int(port), "options": options | {"target_options": patience}}
        if user:
            arguments |= {"user": user.uid, "group": user.gid, "groups": list(user.groups), "umask": user.umask}
        return [sys.executable, "-m", "tests.torture.reader", json.dumps(arguments)]

    def _java(self, options: dict[str, Any], user: User | None) -> list[str]:
        flags = ["-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]
        flags += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", f"-Djava.io.tmpdir={self._scratch}"]
        known = {key: value for key, value in options.items() if OPTIONS[key].hadoop}
        pairs = [f"{OPTIONS[key].hadoop_key}={value}" for key, value in known.items()]
        pairs += ["dfs.client.socket-timeout=3000", "dfs.client.retry.window.base=100"]
        classpath = os.pathsep.join([str(self.classes), *(str(path) for path in self.classes.glob("*.jar"))])
        command = [java(), *flags, "-cp", classpath, "io.hybridfs.FaultReader", self._hdfs.url, *pairs]
        return [*self._with_account(user), *user.command, *command] if user else command

    def _with_account(self, user: User) -> list[str]:
        """What a command runs behind to find an account of that user: Hadoop's login wants one, the cache does not."""
        accounts = self._scratch / f"passwd-{user.uid}"
        line = f"{user.name}:x:{user.uid}:{user.gid}::/nonexistent:/bin/false\n"
        accounts.write_text(Path("/etc/passwd").read_text() + line)
        return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/passwd && exec "$@"', str(accounts)]

    @property
    def classes(self) -> Path:
        """The reader's classes and all that they need, readable by everybody."""
        if self._classes is None:
            classes, *needed = map(Path, compiled(self._scratch, "FaultReader.java"))
            for jar in needed:
                (classes / jar.name).write_bytes(jar.read_bytes())
            self._classes = classes
        return self._classes


def write_files(
    hdfs: Hdfs | NameNode, scratch: Path, seed: int, *, count: int = 4, size: int = 1_500_000, replication: int = 2
) -> dict[str, Path]:
    """Files in HDFS, of blocks of 1 MiB, and their local copies, by path."""
    host, port = hdfs.authority.split(":")
    client = HybridFileSystem(host, int(port), enabled=False, skip_instance_cache=True).origin.fs.client
    files = {}
    (scratch / "copies").mkdir(exist_ok=True)
    for number in range(count):
        path, data = f"/torture/{scratch.name}-{seed}-{replication}/{number}.bin", pattern(size - number, seed + number)
        writer = client.create(
            path, WriteOptions(overwrite=True, create_parent=True, block_size=1 << 20, replication=replication)
        )
        writer.write(data)
        writer.close()
        files[path] = scratch / "copies" / f"{seed}-{replication}-{number}.bin"
        files[path].write_bytes(data)
    return files


def read_rightly(reader: Reader, files: Mapping[str, Path], outcome: Outcome, what: str) -> None:
    """Reads all files, of which nothing may be wrong or missing, and waits until they are published."""
    for path, copy in files.items():
        found = reader.read(path)
        right = not found["error"] and not found["wrong"] and found["read"] == copy.stat().st_size
        outcome.check(right, f"{what}: {found}")
        outcome.add("bytes compared", found["read"])
    reader.ask("settle")


@contextmanager
def open_to_all(scratch: Path) -> Iterator[Path]:
    """A directory below ``scratch`` that other users may go through and write their temporary files to."""
    scratch.chmod(0o755)
    inner = scratch / "open"
    inner.mkdir(exist_ok=True)
    inner.chmod(0o1777)
    yield inner

"""Reading processes of both languages as the test has them: one for each (HDFS user, user of the host, language)."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from spark_ext.bed import Hdfs
from tests.python.support import Child, environment
from tests.torture.readers import User

ANSWER_SECONDS = 120.0
_HERE = Path(__file__).parent


class Cluster(Protocol):
    """An HDFS that the permission matrix runs over."""

    name: str
    authority: str

    @property
    def hdfs(self) -> Hdfs:
        """The servers."""

    def web(self, method: str, path: str, **parameters: object) -> dict[str, Any]:
        """One WebHDFS call as the superuser."""

    def login(self, user: User, home: Path) -> Mapping[str, str]:
        """Environment variables that make a process of ``user.uid``, whose ``home`` it is, act as ``user.name``."""

    def namenode_log(self) -> str:
        """What the NameNode has logged."""


class Reader:
    """A process that answers the commands of `readers_serve`."""

    def __init__(self, what: str, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.what = what
        self._log = log
        self._child = Child(["sh", "-c", 'exec "$@" 2>>"$0"', str(log), *command], env)

    def ready(self) -> Reader:
        """Returns when it serves."""
        self._answer()
        return self

    def do(self, name: str, **arguments: Any) -> Any:
        """The result of a command; AssertionError, with what the process logged, when it fails or gives no answer."""
        self._child.tell(json.dumps({"do": name, **arguments}))
        return self._answer()

    def _answer(self) -> Any:
        watchdog = threading.Timer(ANSWER_SECONDS, self._child.kill)
        watchdog.start()
        try:
            line = self._child.hear()
        finally:
            watchdog.cancel()
        assert line.startswith("{"), f"{self.what} died, or gave no answer in {ANSWER_SECONDS:g} s: {self.log()}"
        answer = json.loads(line)
        assert "failed" not in answer, f"{self.what}: {answer['failed']}"
        return answer["ok"]

    def log(self) -> str:
        """The end of what it wrote to its standard error."""
        return self._log.read_text(errors="replace")[-3000:] if self._log.exists() else ""

    def end(self) -> None:
        self._child.end()


class Stage:
    """Starts readers of one HDFS as users of this host that need no account, and ends them with the context.

    ``scratch`` must be a directory that others may go through. Needs root, as whom only it can be several users.
    """

    def __init__(self, cluster: Cluster, scratch: Path) -> None:
        assert os.geteuid() == 0, "only root can be several users of a host; run this test as root"
        self._cluster = cluster
        self._scratch = scratch
        self._ending = ExitStack()
        self._started = 0

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.close()

    @contextmanager
    def scene(self) -> Iterator[None]:
        """Readers that are started inside end with it."""
        with ExitStack() as inner:
            outer, self._ending = self._ending, inner
            try:
                yield
            finally:
                self._ending = outer

    def python(self, user: User, root: Path, variables: Mapping[str, str] | None = None, **options: Any) -> Reader:
        """A Python process, with further environment variables; call its `ready` before the first command."""
        arguments = {"authority": self._cluster.authority, "options": _options(root, options)}
        return self._start(user, "python", arguments, variables or {})

    def spark(self, user: User, root: Path, conf: Mapping[str, str] | None = None, **options: Any) -> Reader:
        """A Spark driver; call its `ready` before the first command, which takes it some seconds."""
        temporary = self._home(user) / "tmp"
        arguments = {
            "authority": self._cluster.authority,
            "options": _options(root, options),
            "conf": {"spark.local.dir": str(temporary), **(conf or {})},
            "java_options": f"-Djava.io.tmpdir={temporary}",
        }
        return self._start(user, "spark", arguments, {})

    def _start(self, user: User, language: str, arguments: dict[str, Any], further: Mapping[str, str]) -> Reader:
        self._started += 1
        log = self._scratch / f"{language}-{self._started}.log"
        home = self._home(user)
        variables = {"HOME": str(home), "TMPDIR": str(home / "tmp"), "SPARK_LOCAL_IP": "127.0.0.1"}
        command = [sys.executable, str(_HERE / f"readers_{language}.py"), json.dumps(arguments)]
        env = {key: value for key, value in environment(**variables).items() if not key.startswith(("FSSPEC_", "XDG_"))}
        reader = Reader(
            f"{user.name} ({user.uid}) in {language}",
            [*self.become(user), *command],
            env | dict(self._cluster.login(user, home)) | dict(further),
            log,
        )
        self._ending.callback(reader.end)
        return reader

    def _home(self, user: User) -> Path:
        home = self._scratch / f"home-{user.uid}-{user.name}"
        for directory in (home, home / "tmp"):
            directory.mkdir(exist_ok=True)
            os.chown(directory, user.uid, user.gid)
        return home

    def become(self, user: User) -> list[str]:
        """What a command runs behind to be this user's, with an account (Hadoop's login wants one) and this Python."""
        accounts = self._scratch / f"passwd-{user.uid}-{user.name}"
        line = f"{user.name}:x:{user.uid}:{user.gid}::/nonexistent:/bin/false\n"
        accounts.write_text(Path("/etc/passwd").read_text() + line)
        mounts = [(accounts, Path("/etc/passwd")), *self._interpreter()]
        script = " && ".join(f"mount --rbind '{source}' '{target}'" for source, target in mounts)
        return ["unshare", "--mount", "sh", "-c", f'{script} && exec "$@"', "sh", *user.command]

    def _interpreter(self) -> list[tuple[Path, Path]]:
        """Mounts by which others get to this Python, if it lies in a directory that is closed to them."""
        prefix = Path(sys.base_prefix)
        closed = next((up for up in reversed(prefix.parents) if not up.stat().st_mode & 0o001), None)
        if closed is None:
            return []
        house = self._scratch / "interpreter"
        inner = house / prefix.relative_to(closed)
        inner.mkdir(parents=True, exist_ok=True)
        return [(prefix, inner), (house, closed)]


def _options(root: Path, options: dict[str, Any]) -> dict[str, Any]:
    return {"cache_dir": str(root), "block_size": "64KiB", "min_free": "0", "freshness": "0"} | options

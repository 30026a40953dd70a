"""Processes at the price of a fork: `Zygote` runs this module, whose forks read a file through the cache.

It has imported everything and started nothing, so that a fork of it is like a new process.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.python.seams import dying, seams
from tests.python.support import Cache, Child, ScriptedOrigin, Version, environment

RIGHT, WRONG, ORIGIN_ERROR, KILLED = 0, 3, 4, -9


class Zygote:
    """The process and what it is told."""

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="hybridfs-zygote-")
        self._child = Child([sys.executable, "-m", "tests.python.zygote"], environment())
        assert self._child.hear() == "ready"

    def start_reading(self, root: Path, options: dict[str, Any], path: str, version: Version, die_at: int = 0) -> None:
        """A new process reads the file; it is killed in place of its ``die_at``-th system call, if not 0."""
        source = Path(self._scratch.name) / "source"
        source.write_bytes(version.data)
        request = {"root": str(root), "options": options, "path": path, "die_at": die_at, "source": str(source)}
        self._child.tell(json.dumps(request | {"token": version.token, "validator": version.validator}))

    def result(self) -> int:
        """Its exit code: RIGHT, or KILLED, or what is wrong."""
        return int(self._child.hear())

    def end(self) -> None:
        self._child.end()
        self._scratch.cleanup()


def _read(request: dict[str, Any]) -> int:
    data = Path(request["source"]).read_bytes()
    origin = ScriptedOrigin()
    origin.write(request["path"], data, request["token"], request["validator"])
    with ExitStack() as stack:
        if request["die_at"]:
            stack.enter_context(seams(dying(request["die_at"])))
        cache = Cache(Path(request["root"]), **request["options"])
        with cache.open(origin, request["path"]) as file:
            found = b"".join(iter(lambda: file.read(100_000), b""))
        cache.settle()
    return RIGHT if found == data else WRONG


def _in_fork(request: dict[str, Any]) -> int:
    pid = os.fork()
    if not pid:
        code = 5
        try:
            code = _read(request)
        except OSError:
            traceback.print_exc()
            code = ORIGIN_ERROR
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _serve(lines: Iterable[str]) -> None:
    print("ready", flush=True)
    for line in lines:
        print(_in_fork(json.loads(line)), flush=True)


if __name__ == "__main__":
    _serve(sys.stdin)

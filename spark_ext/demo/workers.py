"""A Python process of its own for each phase, so that none profits from what another has compiled or cached.

One JSON object a line: requests on the worker's standard input, answers on its standard output.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from spark_ext.bed import HERE, Place

_GRACE_SECONDS = 15


class WorkerError(RuntimeError):
    """A worker failed; the text has its own words."""


class Worker:
    """The caller's end: starts `python -m module` at a place, as a context manager; leaving it ends the process."""

    def __init__(self, module: str, log: Path, env: Mapping[str, str], at: Place = HERE):
        self._module = module
        self._log = log
        self._env = {**os.environ, **env}
        self._at = at

    def __enter__(self) -> Worker:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._at([sys.executable, "-m", self._module]),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._env,
                start_new_session=True,  # Ctrl-C is for the caller, who then ends this in order
            )
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        with suppress(BrokenPipeError):
            self._stdin.close()  # the worker takes this as its end
        self._wait(0 if kind is not None else _GRACE_SECONDS)
        # The JVM of a worker is in its process group, whose id cannot be another's before the leader is reaped.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._stdout.close()

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                return
            time.sleep(0.02)

    @property
    def _stdin(self) -> IO[str]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _stdout(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    def ask(self, request: str, **arguments: Any) -> Any:
        """The worker's answer; WorkerError when it failed or died."""
        try:
            print(json.dumps({"request": request, "arguments": arguments}), file=self._stdin, flush=True)
            line = self._stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerError(f"{self._module} ended early; its log ends:\n{self._log_end()}")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(f"{self._module}, {request}:\n{answer['error']}")
        return answer["value"]

    def _log_end(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]


def serve(handlers: Mapping[str, Callable[..., Any]]) -> None:
    """The worker's end: answer requests with the handler of that name until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed here, by Java too, is for the log
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"value": handlers[request["request"]](**request["arguments"])}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)

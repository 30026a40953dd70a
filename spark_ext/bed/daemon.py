"""One server process: started in its own session, known ready by its log, ended by its pid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from spark_ext.bed.tools import BedError, java

__all__ = ["BedError", "Daemon", "java_command", "run_java"]

_LAUNCHER = str(Path(__file__).with_name("_launch.py"))
_POLL_SECONDS = 0.05
# What keeps a small server small and quick to start.
_LEAN = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true", "-XX:-UsePerfData")


def java_command(main_class: str, classpath: Sequence[str | Path], temporary: Path, heap: str = "256m") -> list[str]:
    """Command line for `main_class` with a bounded heap and a directory (made here) for its temporary files."""
    temporary.mkdir(parents=True, exist_ok=True)
    joined = os.pathsep.join(str(entry) for entry in classpath)
    return [java(), f"-Xmx{heap}", *_LEAN, f"-Djava.io.tmpdir={temporary}", "-cp", joined, main_class]


def run_java(command: Sequence[str], timeout: float = 120) -> str:
    """Run a short-lived Java tool and return its standard output; BedError with its words when it fails."""
    run = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    if run.returncode != 0:
        raise BedError(f"{' '.join(command[-4:])} ended with {run.returncode}:\n{(run.stdout + run.stderr)[-3000:]}")
    return run.stdout


class Daemon:
    """A long-running command that writes to `log` and works in the directory of that.

    `ready` is a text that its log shows once it serves, or a function without parameters that says so.
    The process gets SIGKILL from the kernel when the Python process that started it dies in whatever way.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path, ready: str | Callable[[], bool]):
        self.name = name
        self._command = list(command)
        self._log = log
        self._ready = ready
        self._log_from = 0
        self.paused = False
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the running server; BedError when it was never started or was stopped."""
        if self._process is None:
            raise BedError(f"{self.name} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process exists (a paused one does). Reaps it when it has ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process; returns at once, see `wait_ready`."""
        if self.running:
            raise BedError(f"{self.name} is already running as {self.pid}")
        self.forget_log()
        self.paused = False
        with self._log.open("ab") as out:
            self._process = _spawn(self._command, out, self._log.parent)

    def wait_ready(self, timeout: float = 60) -> None:
        """Return when the server is ready; BedError with the end of its log when it dies or takes longer."""
        deadline = time.monotonic() + timeout
        while not self._is_ready():
            if not self.running:
                raise BedError(f"{self.name} ended before it was ready; the end of its log:\n{self.log_text()[-3000:]}")
            if time.monotonic() > deadline:
                raise BedError(f"{self.name} was not ready in {timeout:g} s; its log ends:\n{self.log_text()[-3000:]}")
            time.sleep(_POLL_SECONDS)

    def _is_ready(self) -> bool:
        return self._ready() if callable(self._ready) else self._ready in self.log_text()

    def log_text(self) -> str:
        """What the process has logged since its last start, or since `forget_log`."""
        with self._log.open("rb") as log:
            log.seek(self._log_from)
            return log.read().decode(errors="replace")

    def forget_log(self) -> None:
        """Let `log_text` and `wait_ready` look only at what is logged from now on."""
        self._log_from = self._log.stat().st_size if self._log.exists() else 0

    def stop(self, grace: float = 5) -> None:
        """End the process with SIGTERM, after `grace` seconds with SIGKILL, and reap it. Safe to repeat."""
        if self.running:
            self._signal(signal.SIGCONT)  # a paused process would not see SIGTERM
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(grace)  # type: ignore[union-attr]
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None

    def kill(self) -> None:
        """End the process as a power cut would, and reap it."""
        if self.running:
            self._signal(signal.SIGKILL)
            self._process.wait()  # type: ignore[union-attr]
        self._process = None

    def pause(self) -> None:
        """Freeze the process: it keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)
        self.paused = True

    def resume(self) -> None:
        """Undo `pause`."""
        self._signal(signal.SIGCONT)
        self.paused = False

    def _signal(self, number: int) -> None:
        os.kill(self.pid, number)


# The kernel ties a child to the *thread* that started it: this one lives as long as the process.
_starter: ThreadPoolExecutor


def _new_starter() -> None:
    global _starter
    _starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bed-starter")


_new_starter()
os.register_at_fork(after_in_child=_new_starter)  # a forked child has none of its parent's threads


def _spawn(command: Sequence[str], out: IO[bytes], directory: Path) -> subprocess.Popen[bytes]:
    tied = [sys.executable, "-I", "-S", _LAUNCHER, str(os.getpid()), *command]
    return _starter.submit(_popen, tied, out, directory).result()


def _popen(command: Sequence[str], out: IO[bytes], directory: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
        cwd=directory,
        start_new_session=True,
    )

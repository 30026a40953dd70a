"""Spark drivers as processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

import pytest

from spark_ext.bed import Hdfs

ROOT = Path(__file__).resolve().parents[2]
WORKER = str(Path(__file__).with_name("worker.py"))
FORGOTTEN = ("PYSPARK_SUBMIT_ARGS", "PYSPARK_GATEWAY_PORT", "SPARK_HOME", "SPARK_CONF_DIR", "SPARK_REMOTE")


class RefusedError(Exception):
    """What a command raised in the driver, as text."""


class Driver:
    """A Python process with Spark; `do("scan", url=…)` runs a function of `worker` in it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], worker: str = WORKER) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="hybridfs-spark-")
        self._log = Path(self._directory.name) / "log"
        kept = {k: v for k, v in os.environ.items() if k not in FORGOTTEN and not k.startswith("FSSPEC_")}
        python = {"PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, worker, self._address],
                env={**kept, **python, **environment},
                cwd=self._directory.name,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._connection = self._connect()

    @property
    def _address(self) -> str:
        return os.path.join(self._directory.name, "socket")

    def _connect(self) -> Connection:
        deadline = time.monotonic() + 60
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                return Client(self._address, "AF_UNIX")
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.05)
        self.close()
        raise RuntimeError(f"the driver did not start:\n{self.log()}")

    def do(self, command: str, **arguments: Any) -> Any:
        """Run one function there and return its result; raises RefusedError."""
        self._connection.send((command, arguments))
        try:
            done, result = self._connection.recv()
        except EOFError:
            raise RuntimeError(f"the driver ended during {command}:\n{self.log()}") from None
        if not done:
            raise RefusedError(result)
        return result

    def log(self) -> str:
        return self._log.read_text(errors="replace")[-5000:] if self._log.exists() else ""

    def close(self) -> None:
        """Ask it to end, then end its process group, executors included."""
        if hasattr(self, "_connection") and not self._connection.closed:
            with self._connection, suppress(BrokenPipeError):
                self._connection.send(None)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._directory.cleanup()


NewDriver = Callable[..., Driver]


@pytest.fixture
def new_driver(hdfs: Hdfs, jar: Path) -> Iterator[NewDriver]:
    """Starts drivers: `new_driver(user="alice", submit=[…], environment={…})`; they end with the test.

    `submit`: arguments of spark-submit, which then starts the Python process; without it Python starts Spark.
    """
    with ExitStack() as stack:

        def start(
            user: str | None = None, submit: Sequence[str] | None = None, environment: Mapping[str, str] | None = None
        ) -> Driver:
            command = (
                [sys.executable] if submit is None else [str(Path(sys.executable).with_name("spark-submit")), *submit]
            )
            driver = Driver(command, {**hdfs.as_user(user or hdfs.superuser), **(environment or {})})
            stack.callback(driver.close)
            return driver

        yield start

"""Starting the workers of a bench: Python's by their module, the JVM's compiled beforehand."""

from __future__ import annotations

import importlib.util
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import build_jar
from spark_ext.bed.tools import java
from tests.python.support import Child, environment

# HDFS's client waits for seconds where a file is changed under it, or a DataNode is late to report a block.
CLIENT_CONF = {
    "dfs.replication": "1",
    "dfs.client.block.write.replace-datanode-on-failure.policy": "NEVER",  # there may be no other
    "dfs.client.block.write.locateFollowingBlock.initial.delay.ms": "5",  # doubled at each retry
    "dfs.client.block.write.locateFollowingBlock.retries": "12",
    "dfs.client.retry.interval-ms.get-last-block-length": "50",
    "dfs.client.retry.window.base": "20",
    "dfs.client.max.block.acquire.failures": "1",
}
_SOURCES = [
    Path(__file__).with_name(f"{name}.java") for name in ("Checker", "Content", "Lane", "Mutations", "RandomReads")
]
_QUIET = "-Dorg.apache.logging.log4j.level=OFF"  # HDFS's client logs each block that was replaced under a stream


def compile_java(main: str, into: Path) -> list[str]:
    """Compiles a class of this directory, with the lanes; returns the command that runs it."""
    build_jar.build()
    pyspark = importlib.util.find_spec("pyspark")
    assert pyspark is not None
    assert pyspark.origin is not None
    classpath = os.pathsep.join([str(build_jar.JAR), str(Path(pyspark.origin).parent / "jars" / "*")])
    javac = Path(java()).resolve().with_name("javac")
    into.mkdir(parents=True, exist_ok=True)
    sources = [str(Path(__file__).with_name(f"{main}.java")), *map(str, _SOURCES)]
    subprocess.run([str(javac), "-nowarn", "-cp", classpath, "-d", str(into), *sources], check=True)
    flags = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:-UsePerfData", f"-Djava.io.tmpdir={into}", _QUIET]
    return [java(), *flags, "-cp", f"{into}{os.pathsep}{classpath}", main]


def python_command(module: str) -> list[str]:
    """The command of a Python worker."""
    return [sys.executable, "-m", module]


class Worker:
    """A process that is told by lines of JSON and answers each after the first with one."""

    def __init__(self, command: Sequence[str], config: dict[str, Any], **variables: str) -> None:
        self.child = Child(command, environment(**variables))
        self.tell(config)

    def tell(self, message: dict[str, Any]) -> None:
        self.child.tell(json.dumps(message))

    def answer(self) -> dict[str, Any]:
        """Its answer. Raises RuntimeError when it has ended; what it died of is on its standard error."""
        line = self.child.hear()
        if not line:
            raise RuntimeError(f"worker {self.child.pid} has ended; see its errors above")
        found: dict[str, Any] = json.loads(line)
        return found

    def end(self) -> None:
        self.child.end()


def answers(workers: Sequence[Worker], seconds: float) -> Iterator[dict[str, Any]]:
    """One answer of each, as they come. Raises TimeoutError when one is missing after ``seconds``."""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as waiting:
        for worker in workers:
            waiting.register(worker.child.output, selectors.EVENT_READ, worker)
        while waiting.get_map():
            ready = waiting.select(max(0, deadline - time.monotonic()))
            if not ready:
                stuck = [key.data.child.pid for key in waiting.get_map().values()]
                raise TimeoutError(f"workers {stuck} have not answered for {seconds:g} s")
            for key, _ in ready:
                waiting.unregister(key.fileobj)
                yield key.data.answer()

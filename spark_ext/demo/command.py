"""The command `hybridfs demo`."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from hybridfs.config import settings
from hybridfs.errors import BadOption
from hybridfs.root import open_root
from spark_ext.bed import HERE, BedError, Hdfs, Link, Metastore
from spark_ext.demo import notebook, report
from spark_ext.demo.progress import Progress
from spark_ext.demo.scenario import STEPS, Scenario, default_cores
from spark_ext.demo.workers import WorkerError

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def demo(
    scale: Annotated[float, typer.Option(min=0.01, help="TPC-H scale factor; 1 is 350 MB of Parquet.")] = 0.2,
    memory: Annotated[str, typer.Option(help="Budget of the memory tier.")] = "512MiB",
    link: Annotated[
        str | None,
        typer.Option(help="Round trip and rate of an emulated link to HDFS, such as 50ms:50MB/s. Needs root."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running until Ctrl-C, for a notebook.")] = False,
) -> None:
    """Run TPC-H on a real HDFS and Hive Metastore, with and without the cache, and compare.

    Needs a JDK (17 or newer). Everything runs on this host in a scratch directory and is removed at the end. The
    exit status is not 0 when a result differs or a warm read took file data from HDFS.
    """
    console = Console()
    try:
        with _one_interrupt():
            ok = _run(console, scale, memory, link, keep)
    except (BedError, WorkerError, BadOption) as error:
        console.print(f"✗ {error}", style="red", highlight=False, markup=False, soft_wrap=True)
        ok = False
    except KeyboardInterrupt:
        console.print("Interrupted: everything is stopped and removed.")
        raise typer.Exit(130) from None
    raise typer.Exit(0 if ok else 1)


def _run(console: Console, scale: float, memory: str, link: str | None, keep: bool) -> bool:
    with ExitStack() as stack:
        scenario = _start(stack, console, memory, link)
        scenario.prepare(scale)
        outcome = scenario.measure()
        scenario.progress.close()
        report.show(outcome, console, link)
        if keep:
            notebook.show(scenario, console)
            with suppress(KeyboardInterrupt):  # here it is how the demo ends
                signal.pause()
        return not outcome.failures()


def _start(stack: ExitStack, console: Console, memory: str, link: str | None) -> Scenario:
    """Start HDFS and the metastore in a scratch directory; leaving `stack` ends and removes everything.

    link: to have them at its far end.
    """
    scratch = Path(tempfile.mkdtemp(prefix="hybridfs-demo-"))
    stack.callback(shutil.rmtree, scratch, ignore_errors=True)
    options = {"cache_dir": str(scratch / "cache"), "memory": memory, "min_free": "64MiB"}
    settings(**options)  # a mistake is told before anything starts
    stack.callback(shutil.rmtree, open_root(options["cache_dir"], None).memory_directory, ignore_errors=True)
    between = _linked(stack, link) if link else None
    progress = stack.enter_context(Progress(console, STEPS))
    with progress.stage("HDFS: a NameNode and two DataNodes"):
        (scratch / "hdfs").mkdir()
        hdfs = stack.enter_context(Hdfs(scratch=scratch / "hdfs", at=between.far if between else HERE))
        progress.advance()
    with progress.stage("Hive Metastore"):
        metastore = stack.enter_context(Metastore(hdfs))
        progress.advance()
    return Scenario(hdfs, metastore, scratch, options, default_cores(), progress, between)


def _linked(stack: ExitStack, link: str) -> Link:
    try:
        return stack.enter_context(Link.of(link))
    except (BedError, BadOption) as error:
        raise type(error)(f"--link {link}: {error}. Without --link, HDFS runs on this host beside Spark.") from None


@contextmanager
def _one_interrupt() -> Iterator[None]:
    """Let the first signal that asks for the end raise, and no other disturb the tidying and the exit that follow."""
    ends = False

    def interrupt(number: int, _: FrameType | None) -> NoReturn:
        nonlocal ends
        ends = True
        for ending in _ENDINGS:
            signal.signal(ending, signal.SIG_IGN)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    before = {ending: signal.signal(ending, interrupt) for ending in _ENDINGS}
    try:
        yield
    finally:
        for ending, handler in before.items():
            signal.signal(ending, signal.SIG_IGN if ends else handler)

"""`hybridfs demo` as a person runs it: what it shows, what it leaves running, and that it leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spark_ext.bed import Served
from spark_ext.demo.outcome import Comparison, Outcome, Read

pytestmark = pytest.mark.timeout(900)
DEMO = [str(Path(sysconfig.get_path("scripts")) / "hybridfs"), "demo", "--scale", "0.01"]


@contextmanager
def running_demo(directory: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The demo with all of its files under `directory`; ended by Ctrl-C if it runs still."""
    env = {**os.environ, "TMPDIR": str(directory), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*DEMO, *options], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0
    ) as demo:
        try:
            yield demo
        finally:
            if demo.poll() is None:
                demo.send_signal(signal.SIGINT)


def read_until(demo: subprocess.Popen[str], mark: str) -> str:
    assert demo.stdout is not None
    seen = ""
    for line in demo.stdout:
        seen += line
        if mark in line:
            return seen
    raise AssertionError(f"the demo ended without {mark!r}:\n{seen}")


def left_behind(directory: Path) -> list[str]:
    """Files under `directory`, and processes that have it in their command line."""
    commands = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            commands.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it has just ended
    return [str(path) for path in directory.iterdir()] + [text for text in commands if str(directory) in text]


@pytest.mark.slow
def test_the_whole_demo_and_what_it_keeps_for_a_notebook(tmp_path, jar):
    with running_demo(tmp_path, "--keep") as demo:
        shown = read_until(demo, "pd.read_parquet")
        assert "Results are equal, warm reads took no byte from HDFS" in shown
        assert all(f"q{number:02}" in shown for number in (1, 3, 6, 12, 14, 19))
        snippet = shown.partition("In a notebook:\n")[2] + "print(len(pd.read_parquet(f'hybridfs::{url}')))"
        env = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
        notebook = subprocess.run([sys.executable, "-c", snippet], env=env, capture_output=True, text=True, check=False)
        assert notebook.returncode == 0, notebook.stderr
        assert "REG AIR" in notebook.stdout
        assert notebook.stdout.splitlines()[-1] == "1500"
        [cache_id] = [path.read_text().strip() for path in tmp_path.glob("hybridfs-demo-*/cache/cache-id")]
        memory = Path("/dev/shm", f"hybridfs-{cache_id}")
        assert memory.is_dir()
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
    assert left_behind(tmp_path) == []
    assert not memory.exists()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing(tmp_path, ending):
    with running_demo(tmp_path) as demo:
        read_until(demo, "TPC-H data")
        assert left_behind(tmp_path)
        demo.send_signal(ending)
        time.sleep(0.2)
        demo.send_signal(signal.SIGINT)  # an impatient second one
        assert demo.wait(60) == 128 + ending
    assert left_behind(tmp_path) == []


def test_a_bad_size_is_told_before_anything_starts(tmp_path):
    with running_demo(tmp_path, "--memory", "much") as demo:
        assert "option memory: 'much' is not a size" in read_until(demo, "memory")
        assert demo.wait(60) == 1
    assert left_behind(tmp_path) == []


def test_the_verdict_tells_wrong_results_and_warm_reads_from_hdfs():
    plain = Read(1.0, ["42"], Served(100, 1))
    good = Comparison(plain, cold=plain, warm=Read(0.5, ["42"], Served(0, 0)))
    assert Outcome({"q": good}).failures() == []
    wrong = Comparison(plain, cold=Read(0.5, ["41"], Served(100, 1)))
    assert Outcome({"q": wrong}).failures() == ["q: the result differs from that of plain HDFS"]
    broken_off = Comparison(plain, warm=Read(0.5, ["42"], Served(0, 1)))
    assert Outcome(crossings={"pandas": broken_off}).failures() == [
        "pandas: read from HDFS although the cache was warm"
    ]
    assert Outcome(foreign_uris=frozenset({"hybridfs://x/y"})).failures() == [
        "the metastore holds other URIs than hdfs://: hybridfs://x/y"
    ]

"""The short form of `tests.torture.disk`."""

from __future__ import annotations

import subprocess
import sys

from spark_ext.bed import Hdfs
from tests.python.support import environment
from tests.torture.outcome import told_figures

CASES = ("full_of_others", "read_only", "removed", "errors", "errors_at_each_call")
SEED = 20_260_726


def test_a_disk_fails(hdfs: Hdfs) -> None:
    options = ["--seed", str(SEED), "--share", "0.1", "--namenode", hdfs.authority]
    command = [sys.executable, "-m", "tests.torture.disk", *options, *CASES]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    figures = told_figures(done.stdout)
    assert figures["violations"] == 0
    assert figures["cases"] == len(CASES)
    assert figures["lives with a system call that failed"] == 8
    assert figures["system calls that failed"] > 0
    assert figures["faults of the disk that were counted"] > 0

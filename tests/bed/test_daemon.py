"""A daemon is known ready by its log, ends by its pid, and never outlives the process that started it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from spark_ext.bed import BedError, Daemon

ENDLESS = ["/bin/sh", "-c", "echo up and running; exec sleep 600"]
DEAF = ["/bin/sh", "-c", "trap '' TERM; echo up and running; while :; do sleep 1; done"]


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_ready_mark_and_stop(tmp_path):
    daemon = Daemon("sleeper", ENDLESS, tmp_path / "log", "up and running")
    daemon.start()
    daemon.wait_ready(10)
    pid = daemon.pid
    daemon.stop()
    assert not daemon.running
    assert not alive(pid)


def test_the_mark_of_an_earlier_run_does_not_count(tmp_path):
    log = tmp_path / "log"
    log.write_text("up and running\n")
    daemon = Daemon("silent", ["/bin/sleep", "600"], log, "up and running")
    daemon.start()
    try:
        with pytest.raises(BedError, match=r"silent was not ready in 0\.3 s"):
            daemon.wait_ready(0.3)
    finally:
        daemon.stop()


def test_a_daemon_that_dies_early_shows_its_last_words(tmp_path):
    daemon = Daemon("broken", ["/bin/sh", "-c", "echo port is taken; exit 3"], tmp_path / "log", "up")
    daemon.start()
    with pytest.raises(BedError, match=r"broken ended before it was ready[\s\S]*port is taken"):
        daemon.wait_ready(10)


def test_stop_ends_a_paused_and_a_deaf_process(tmp_path):
    for number, command in enumerate((ENDLESS, DEAF)):
        daemon = Daemon("stubborn", command, tmp_path / f"log{number}", "up and running")
        daemon.start()
        daemon.wait_ready(10)
        pid = daemon.pid
        daemon.pause()
        daemon.stop(grace=0.5)
        assert not alive(pid)


def test_a_killed_starter_takes_its_daemons_along(tmp_path):
    log = tmp_path / "log"
    script = (
        "import os, sys, pathlib, threading\n"
        "from spark_ext.bed import Daemon\n"
        f"daemon = Daemon('orphan', {ENDLESS!r}, pathlib.Path({str(log)!r}), 'up and running')\n"
        # The thread that asks for the start ends at once: that alone must not end the daemon.
        "starter = threading.Thread(target=daemon.start); starter.start(); starter.join()\n"
        "daemon.wait_ready(10)\n"
        "print(daemon.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:
        pid = int(starter.stdout.readline())
        time.sleep(0.2)
        assert alive(pid)
        starter.kill()
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(pid)

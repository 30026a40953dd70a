"""`hybridfs demo --link`: what it shows, what it refuses, and that it leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

pytestmark = [pytest.mark.link, pytest.mark.timeout(900)]
DEMO = [str(Path(sysconfig.get_path("scripts")) / "hybridfs"), "demo", "--scale", "0.01", "--link"]


def demo(directory: Path, link: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TMPDIR": str(directory), **environment}
    done = subprocess.run([*DEMO, link], env=env, capture_output=True, text=True, timeout=800, check=False)
    assert list(directory.iterdir()) == []
    return done


def test_the_whole_demo_over_a_link(tmp_path: Path) -> None:
    done = demo(tmp_path, "20ms:50MB/s")
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert "MB that crossed the link" in said
    assert "an emulated link of 20ms:50MB/s" in said
    assert "Results are equal, warm reads took no byte from HDFS" in said
    [totals] = [line.split() for line in done.stdout.splitlines() if line.strip().startswith("all ")]
    plain, cold, warm = map(float, totals[4:7])
    assert plain > 1
    assert cold > 0.1
    assert 0 < warm < 0.5 * plain  # metadata only
    namespaces = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    assert f"hybridfs-{os.getpid()}" not in namespaces


def test_what_is_missing_is_told_with_the_option(tmp_path: Path) -> None:
    done = demo(tmp_path, "20ms:50MB/s", PATH=str(tmp_path))
    assert done.returncode == 1
    said = " ".join(done.stdout.split())
    assert "--link 20ms:50MB/s: an emulated link cannot be made here: it needs the command `ip`" in said
    assert "Without --link, HDFS runs on this host" in said


@pytest.mark.parametrize("link", ["50ms", "50ms:fast/s", "soon:50MB/s", "50ms:50MB"])
def test_what_is_no_link_is_told_with_the_option(tmp_path: Path, link: str) -> None:
    done = demo(tmp_path, link)
    assert done.returncode == 1
    assert f"--link {link}: " in done.stdout

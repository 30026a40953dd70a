"""The servers' jars arrive complete and as listed, or not at all, however many ask at once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from spark_ext.bed import BedError
from spark_ext.bed.jars import _verify, jars

ASK = "from spark_ext.bed.jars import jars; print(jars())"


def test_two_first_callers_at_once_get_one_complete_directory(tmp_path):
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    callers = [
        subprocess.Popen([sys.executable, "-c", ASK], env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    answers = {caller.communicate()[0].strip() for caller in callers}
    assert [caller.returncode for caller in callers] == [0, 0]
    assert len(answers) == 1
    (tmp_path / "found").symlink_to(answers.pop())
    _verify(tmp_path / "found")
    assert not list((tmp_path / "hybridfs-bed").glob("fetching-*"))


def test_a_changed_or_missing_jar_is_named(tmp_path):
    names = [jar.name for jar in jars().iterdir()]
    for name in names[1:]:
        (tmp_path / name).symlink_to(jars() / name)
    with pytest.raises(BedError, match=names[0]):
        _verify(tmp_path)
    (tmp_path / names[0]).write_bytes(b"PK")
    with pytest.raises(BedError, match=names[0]):
        _verify(tmp_path)


def test_without_java_the_error_says_what_to_install(tmp_path):
    env = {**os.environ, "PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    env.pop("JAVA_HOME", None)
    run = subprocess.run([sys.executable, "-c", ASK], env=env, capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "install a JDK 17 or newer" in run.stderr

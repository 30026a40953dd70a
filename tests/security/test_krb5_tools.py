"""Kerberos' programs are found, or fetched complete, or the error names the packages. Without a KDC."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.python.support import ROOT
from tests.security.bed.krb5_tools import PROGRAMS

pytestmark = pytest.mark.security

ASK = "from tests.security.bed.krb5_tools import krb5_tools; print(*sorted(krb5_tools().paths.values()))"


def test_two_first_callers_at_once_get_the_same_programs(tmp_path: Path) -> None:
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    callers = [
        subprocess.Popen([sys.executable, "-c", ASK], env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    answers = {caller.communicate(timeout=120)[0].strip() for caller in callers}
    assert [caller.returncode for caller in callers] == [0, 0]
    assert len(answers) == 1
    found = answers.pop().split()
    assert [os.path.basename(path) for path in sorted(found, key=os.path.basename)] == sorted(PROGRAMS)
    assert all(os.access(path, os.X_OK) for path in found)
    assert not list(tmp_path.glob("hybridfs-bed/fetching-*"))


def test_where_there_is_no_way_the_error_names_the_packages(tmp_path: Path) -> None:
    env = {**os.environ, "PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", ASK], env=env, capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "install MIT Kerberos: krb5-kdc, krb5-admin-server and krb5-user" in run.stderr

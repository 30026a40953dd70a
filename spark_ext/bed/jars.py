"""The servers' jars: resolved once per user by Maven, verified, installed by one rename."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spark_ext.bed.tools import BedError, maven

_HERE = Path(__file__).parent
_POM = _HERE / "pom.xml"
_SUMS = _HERE / "jars.sha256"


def jars() -> Path:
    """Directory with the verified jars. The first call of a user runs Maven (108 MB); later ones are instant."""
    target = _cache_base() / _recipe_id()
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with _exclusive(target.with_suffix(".lock")):
            if not target.exists():
                _install(target)
    return target


def _cache_base() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "hybridfs-bed"


@functools.cache
def _recipe_id() -> str:
    return hashlib.sha256(_POM.read_bytes() + _SUMS.read_bytes()).hexdigest()[:16]


@contextmanager
def _exclusive(lock: Path) -> Iterator[None]:
    with lock.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _install(target: Path) -> None:
    """Fill a sibling directory and rename it, so that `target` is complete whenever it is there."""
    scratch = Path(tempfile.mkdtemp(prefix="fetching-", dir=target.parent))
    try:
        _resolve(scratch / "jars")
        _verify(scratch / "jars")
        (scratch / "jars").rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _resolve(into: Path) -> None:
    command = [*maven(), "-B", "-q", "-C", "-f", str(_POM), "dependency:copy-dependencies"]
    command += [f"-DoutputDirectory={into}", "-DincludeScope=runtime"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise BedError(f"Maven could not fetch the jars of {_POM.name}:\n{(run.stdout + run.stderr)[-3000:]}")


def _verify(directory: Path) -> None:
    listed = (line.split() for line in _SUMS.read_text().splitlines())
    expected = {name: digest for digest, name in listed}
    found = {}
    for jar in directory.glob("*.jar"):
        with jar.open("rb") as handle:
            found[jar.name] = hashlib.file_digest(handle, "sha256").hexdigest()
    if found != expected:
        wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        raise BedError(f"these jars are not the ones listed in {_SUMS.name}: {', '.join(wrong)}")

"""The servers' jars: resolved once per user by Maven, verified, installed by one rename."""

from __future__ import annotations

import functools
import hashlib
import subprocess
from pathlib import Path

from spark_ext.bed.cache import cached
from spark_ext.bed.tools import BedError, maven

_HERE = Path(__file__).parent
_POM = "pom.xml"
_SUMS = "jars.sha256"


def jars(recipe: Path = _HERE) -> Path:
    """Directory with the verified jars. The first call of a user runs Maven (108 MB); later ones are instant.

    recipe: directory with a `pom.xml`, whose dependencies are fetched, and `jars.sha256`, which lists what must arrive.
    """
    return cached(_recipe_id(recipe), functools.partial(_install, recipe))


@functools.cache
def _recipe_id(recipe: Path) -> str:
    return hashlib.sha256((recipe / _POM).read_bytes() + (recipe / _SUMS).read_bytes()).hexdigest()[:16]


def _install(recipe: Path, target: Path) -> None:
    _resolve(recipe / _POM, target)
    _verify(target, recipe / _SUMS)


def _resolve(pom: Path, into: Path) -> None:
    command = [*maven(), "-B", "-q", "-C", "-f", str(pom), "dependency:copy-dependencies"]
    command += [f"-DoutputDirectory={into}", "-DincludeScope=runtime"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise BedError(f"Maven could not fetch the jars of {pom}:\n{(run.stdout + run.stderr)[-3000:]}")


def _verify(directory: Path, sums: Path = _HERE / _SUMS) -> None:
    listed = (line.split() for line in sums.read_text().splitlines())
    expected = {name: digest for digest, name in listed}
    found = {}
    for jar in directory.glob("*.jar"):
        with jar.open("rb") as handle:
            found[jar.name] = hashlib.file_digest(handle, "sha256").hexdigest()
    if found != expected:
        wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        raise BedError(f"these jars are not the ones listed in {sums.name}: {', '.join(wrong)}")

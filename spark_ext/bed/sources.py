"""Java programs of tests and benches: compiled beside the jar, with what it needs of Hadoop."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from spark_ext.bed.jars import jars
from spark_ext.bed.tools import BedError


def compiled(scratch: Path, jar: str | Path, sources: Sequence[str | Path]) -> list[str]:
    """The class path of these sources (their classes go to a directory in `scratch`), of hybridfs.jar and Hadoop's."""
    needed = [path for path in sorted(jars().glob("*.jar")) if "minicluster" not in path.name]
    classpath = [str(scratch / "classes"), str(jar), *map(str, needed)]
    command = ["javac", "-nowarn", "-d", classpath[0], "-cp", os.pathsep.join(classpath), *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BedError(f"javac failed:\n{done.stderr[-3000:]}")
    return classpath

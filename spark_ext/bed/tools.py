"""Finds the JDK and Maven, and says what to install where they are missing."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

JAVA_MINIMUM = 17
_WRAPPER = Path(__file__).parents[1] / "jvm" / "mvnw"


class BedError(RuntimeError):
    """A part of the test bed is missing or did not start; the text says which and what to do."""


@functools.cache
def java() -> str:
    """Path of a `java` of version 17 or newer, from JAVA_HOME or PATH; BedError when there is none."""
    home = os.environ.get("JAVA_HOME")
    candidate = str(Path(home) / "bin" / "java") if home else "java"
    path = shutil.which(candidate)
    if path is None:
        where = f"JAVA_HOME={home}" if home else "PATH"
        raise BedError(f"no `java` in {where}: install a JDK {JAVA_MINIMUM} or newer, or point JAVA_HOME at one")
    shown = subprocess.run([path, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', shown.stderr)
    if found is None or int(found[1]) < JAVA_MINIMUM:
        first = (shown.stderr.splitlines() or ["nothing"])[0]
        raise BedError(f"`{path} -version` says {first!r}: HDFS 3.5 and Spark 4 need a JDK {JAVA_MINIMUM} or newer")
    return path


def maven() -> list[str]:
    """Command line of Maven: the one on PATH, else the project's wrapper; BedError when there is neither."""
    java()
    installed = shutil.which("mvn")
    if installed is not None:
        return [installed]
    if _WRAPPER.exists():
        return ["sh", str(_WRAPPER)]
    raise BedError("no `mvn` on PATH and no Maven wrapper beside the sources: install Maven 3.8 or newer")

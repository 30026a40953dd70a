"""Java classes of this directory beside the jar, within its package: what they need, and the command that runs them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import build_jar
from spark_ext.bed import sources
from spark_ext.bed.tools import java

_HERE = Path(__file__).parent
_LEAN = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto")


def compiled(scratch: Path, *names: str) -> list[str]:
    """The class path of these sources and the jar. HYBRIDFS_JAR names a jar that was built elsewhere."""
    jar = os.environ.get("HYBRIDFS_JAR")
    if not jar:
        build_jar.build()
    return sources.compiled(scratch, jar or build_jar.JAR, [_HERE / name for name in names])


def java_command(classpath: Sequence[str], main: str, *arguments: str, heap: str = "96m") -> list[str]:
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"
    return [java(), f"-Xmx{heap}", *_LEAN, quiet, "-cp", os.pathsep.join(classpath), f"io.hybridfs.{main}", *arguments]

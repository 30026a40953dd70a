"""Java classes of this directory beside the jar, within its package: what they need, and the command that runs them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import build_jar
from spark_ext.bed.jars import jars
from spark_ext.bed.tools import java

_HERE = Path(__file__).parent
_LEAN = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto")


def compiled(scratch: Path, *sources: str) -> list[str]:
    """The class path of these sources and the jar. HYBRIDFS_JAR names a jar that was built elsewhere."""
    jar = os.environ.get("HYBRIDFS_JAR")
    if not jar:
        build_jar.build()
    needed = [path for path in sorted(jars().glob("*.jar")) if "minicluster" not in path.name]
    classpath = [str(scratch / "classes"), str(jar or build_jar.JAR), *map(str, needed)]
    command = ["javac", "-nowarn", "-d", classpath[0], "-cp", os.pathsep.join(classpath)]
    done = subprocess.run(
        [*command, *(str(_HERE / name) for name in sources)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return classpath


def java_command(classpath: Sequence[str], main: str, *arguments: str, heap: str = "96m") -> list[str]:
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"
    return [java(), f"-Xmx{heap}", *_LEAN, quiet, "-cp", os.pathsep.join(classpath), f"io.hybridfs.{main}", *arguments]

"""Builds `spark_ext/jars/hybridfs.jar` with Maven; setuptools runs it for a wheel, a plain and an editable install.

`python -m build_jar` builds it by hand. Nothing is done when the jar is newer than its sources. Set
`HYBRIDFS_SKIP_JAR=1` for an installation that only Python uses, or `HYBRIDFS_JAR=/path/to.jar` to ship a jar that
was built elsewhere.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PROJECT = ROOT / "spark_ext" / "jvm"
JAR = ROOT / "spark_ext" / "jars" / "hybridfs.jar"
MIN_JDK = 17  # the class files of hadoop-client-api 3.5 need it; ours are made for Java 8
WAY_OUT = "Or set HYBRIDFS_SKIP_JAR=1 to install without Spark support, or HYBRIDFS_JAR=/path/to/hybridfs.jar."


class JarError(RuntimeError):
    """The jar cannot be built; the text says what is missing and what to do."""


def sources() -> Iterator[Path]:
    """What the jar is made of."""
    yield PROJECT / "pom.xml"
    yield from (p for p in (PROJECT / "src" / "main").rglob("*") if p.is_file())


def is_fresh() -> bool:
    return JAR.is_file() and all(p.stat().st_mtime_ns <= JAR.stat().st_mtime_ns for p in sources())


def find_javac() -> str:
    home = os.environ.get("JAVA_HOME")
    javac = os.path.join(home, "bin", "javac") if home else shutil.which("javac")
    if not javac or not os.access(javac, os.X_OK):
        where = f"JAVA_HOME={home} holds no bin/javac" if home else "no javac on PATH and JAVA_HOME is not set"
        raise JarError(f"hybridfs.jar needs a JDK >= {MIN_JDK} to be built: {where}. Install one. {WAY_OUT}")
    return javac


def check_jdk() -> None:
    javac = find_javac()
    text = subprocess.run([javac, "-version"], capture_output=True, text=True, check=True)
    found = re.search(r"javac (?:1\.)?(\d+)", text.stdout + text.stderr)
    if found is None or int(found[1]) < MIN_JDK:
        version = (text.stdout + text.stderr).strip()
        raise JarError(f"hybridfs.jar needs a JDK >= {MIN_JDK} to be built, {javac} is {version!r}. {WAY_OUT}")


def maven() -> list[str]:
    """The command of Maven: the installed one, else the wrapper that downloads it."""
    if mvn := shutil.which("mvn"):
        return [mvn]
    wrapper = PROJECT / "mvnw"
    if not wrapper.is_file():
        raise JarError(f"hybridfs.jar needs Maven to be built: no mvn on PATH and no {wrapper}. {WAY_OUT}")
    if not (shutil.which("curl") or shutil.which("wget")):
        raise JarError(f"hybridfs.jar needs Maven to be built: no mvn on PATH, no curl or wget to get it. {WAY_OUT}")
    return ["sh", str(wrapper)]


def run_maven(*arguments: str) -> None:
    command = [*maven(), "-B", "-q", "-f", str(PROJECT / "pom.xml"), *arguments]
    if subprocess.run(command, cwd=PROJECT).returncode:
        raise JarError(f"Maven failed (its messages stand above): {' '.join(command)}")


def built() -> Path:
    jars = [p for p in (PROJECT / "target").glob("hybridfs*.jar") if not p.stem.endswith(("tests", "sources"))]
    if len(jars) != 1:
        raise JarError(f"Maven left {len(jars)} jars named hybridfs*.jar in {PROJECT / 'target'}, expected one.")
    return jars[0]


def install(source: Path) -> None:
    """Copy under a temporary name and rename: a running Spark keeps the jar that it has open."""
    JAR.parent.mkdir(exist_ok=True)
    temporary = JAR.with_suffix(f".{os.getpid()}.tmp")
    shutil.copyfile(source, temporary)
    temporary.replace(JAR)


def build() -> None:
    """Bring the jar up to date.

    Raises:
        JarError: the JDK or Maven is missing, or Maven failed.
    """
    if given := os.environ.get("HYBRIDFS_JAR"):
        if not os.path.isfile(given):
            raise JarError(f"HYBRIDFS_JAR={given} is no file.")
        install(Path(given))
    elif os.environ.get("HYBRIDFS_SKIP_JAR") != "1" and not is_fresh():
        check_jdk()
        run_maven("-Dmaven.test.skip=true", "package")
        install(built())


class BuildPy(build_py):
    """Builds the jar before the files of the package are gathered."""

    def run(self) -> None:
        try:
            build()
        except JarError as error:
            sys.exit(f"error: {error}")
        self.__dict__.pop("data_files", None)  # gathered anew: the jar may not have been there
        super().run()


if __name__ == "__main__":
    try:
        build()
    except JarError as error:
        sys.exit(f"error: {error}")

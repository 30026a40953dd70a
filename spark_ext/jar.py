"""Where the jar is, and whether Spark and Java here can use it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

MIN_SPARK = (3, 5)
NEXT_SPARK = (5, 0)  # not known to work
NAME = "hybridfs.jar"


class SparkSetupError(RuntimeError):
    """Spark, Java, the jar or the session cannot be used as asked; the text says why and what to do."""


def path() -> str:
    """Absolute path of hybridfs.jar.

    Raises:
        SparkSetupError: this installation has no jar.
    """
    jar = Path(__file__).resolve().parent / "jars" / NAME
    if not jar.is_file():
        raise SparkSetupError(
            f"{jar} is missing: hybridfs was installed without its jar. In a checkout run `make jar`; otherwise "
            "install hybridfs again where a JDK >= 17 is, without HYBRIDFS_SKIP_JAR."
        )
    if {",", ":", " "} & set(str(jar)):
        raise SparkSetupError(
            f"{jar}: Spark cannot name a jar whose path has a comma, a colon or a space; install hybridfs elsewhere."
        )
    return str(jar)


def version_of(text: str) -> tuple[int, int]:
    """(major, minor) of a Spark version such as `4.1.0-SNAPSHOT`."""
    found = re.match(r"(\d+)\.(\d+)", text)
    if found is None:
        raise SparkSetupError(f"Spark's version {text!r} cannot be read; hybridfs needs Spark 3.5 to 4.x.")
    return int(found[1]), int(found[2])


def check_spark(text: str) -> tuple[int, int]:
    """The version as (major, minor).

    Raises:
        SparkSetupError: hybridfs does not work with it.
    """
    version = version_of(text)
    if not MIN_SPARK <= version < NEXT_SPARK:
        raise SparkSetupError(f"hybridfs needs Spark 3.5 to 4.x, this is {text}. Run: pip install 'pyspark>=3.5,<5'")
    return version


def check_java(spark: tuple[int, int]) -> None:
    """Ask the `java` that Spark will start for its version.

    Raises:
        SparkSetupError: there is none, or it is too old for this Spark.
    """
    needed = 17 if spark >= (4, 0) else 8
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(os.path.join(home, "bin", "java") if home else "java")
    if java is None:
        where = f"JAVA_HOME={home} holds no bin/java" if home else "no java on PATH and JAVA_HOME is not set"
        raise SparkSetupError(f"Spark {spark[0]}.{spark[1]} needs Java >= {needed}: {where}. Install a JDK or a JRE.")
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', shown)
    if found is None or int(found[1]) < needed:
        first = (shown.splitlines() or ["nothing"])[0]
        raise SparkSetupError(
            f"Spark {spark[0]}.{spark[1]} needs Java >= {needed}, `{java} -version` says {first!r}. "
            "Set JAVA_HOME to a newer one."
        )

"""Spark's own cluster as processes on 127.0.0.1: a master and workers, from the jars that PySpark ships."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from pathlib import Path

from spark_ext.bed import BedError, Daemon
from spark_ext.bed.component import Component
from spark_ext.bed.daemon import java_command, run_java
from spark_ext.bed.jars import jars
from spark_ext.bed.ports import free_port
from tests.security.bed.children import end_those_in
from tests.security.bed.secure_hdfs import SecureHdfs

_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"


class Standalone(Component):
    """A running master with workers, as a context manager.

    workers: how many, each with `cores` and `memory` MiB for executors.
    environment: further environment of the workers and with that of executors, such as HADOOP_CONF_DIR.

    Executors run as the user of this process, and end with the context.
    """

    def __init__(
        self, workers: int = 1, cores: int = 2, memory: int = 2048, environment: Mapping[str, str] | None = None
    ):
        super().__init__("standalone")
        self._count = workers
        self._cores = cores
        self._memory = memory
        self._environment = dict(environment or {})
        self.port = free_port()

    @property
    def url(self) -> str:
        """`spark://127.0.0.1:PORT`."""
        return f"spark://127.0.0.1:{self.port}"

    def executor_logs(self, name: str = "stderr") -> dict[str, str]:
        """What executors have written, by `<application>/<executor>`."""
        logs = sorted(self._scratch.glob(f"worker*/work/app-*/*/{name}"))
        return {f"{log.parts[-3]}/{log.parts[-2]}": log.read_text(errors="replace") for log in logs}

    def _start(self) -> None:
        bound = ["--host", "127.0.0.1", "--webui-port"]
        self._daemon(
            "master", _MASTER, [*bound, str(free_port()), "--port", str(self.port)], "I have been elected leader"
        )
        for number in range(self._count):
            name = f"worker{number}"
            given = ["--cores", str(self._cores), "--memory", f"{self._memory}m"]
            work = ["--work-dir", str(self._scratch / name / "work")]
            options = [*bound, str(free_port()), *given, *work, self.url]
            self._daemon(name, _WORKER, options, "Successfully registered with master")

    def _daemon(self, name: str, main_class: str, options: list[str], ready: str) -> None:
        command = java_command(main_class, [_pyspark() / "jars" / "*"], self._scratch / name / "tmp")
        environment = {**_spark_environment(), "SPARK_LOCAL_IP": "127.0.0.1", **self._environment}
        assigned = [f"{key}={value}" for key, value in environment.items()]
        # The name `env` is looked up here, because a Daemon's command is a path.
        whole = [str(shutil.which("env")), *assigned, *command, *options]
        self._serve(Daemon(name, whole, self._scratch / name / "log", ready))

    def _end(self) -> None:
        super()._end()
        end_those_in(self._scratch)  # executors


def _spark_environment() -> dict[str, str]:
    """What Spark's start scripts say, which PySpark does not ship."""
    core = next((_pyspark() / "jars").glob("spark-core_*.jar"))
    return {"SPARK_HOME": str(_pyspark()), "SPARK_SCALA_VERSION": core.name.split("_")[1].split("-")[0]}


def _pyspark() -> Path:
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise BedError(
            "Spark's own cluster runs from PySpark's jars, and pyspark is not installed: pip install pyspark"
        )
    return Path(spec.origin).parent


def token_file(hdfs: SecureHdfs, user: str, path: Path) -> Path:
    """Write a new delegation token of the user to a file, for HADOOP_TOKEN_FILE_LOCATION, as `hadoop dtutil` does."""
    tool = "org.apache.hadoop.security.token.DtUtilShell"
    java, *rest = java_command(tool, [hdfs.conf_dir, f"{jars()}/*"], path.parent / "tmp")
    login = ["-principal", hdfs.kdc.full(user), "-keytab", str(hdfs.kdc.principal(user))]
    krb5 = f"-Djava.security.krb5.conf={hdfs.krb5_conf}"
    run_java([java, krb5, *rest, *login, "get", hdfs.url, "-renewer", user, str(path)])
    return path

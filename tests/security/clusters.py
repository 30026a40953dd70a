"""Small Spark applications on a cluster: what they need of Spark's configuration, and how they are started."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyspark

from spark_ext.bed import Hdfs
from tests.security.bed.secure_hdfs import SecureHdfs
from tests.spark.conftest import ROOT, Driver

WORKER = str(Path(__file__).with_name("cluster_worker.py"))
LEAN = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"
PYSPARK = Path(pyspark.__file__).parent

# Two executors, small ones, and no second attempt: what fails is to be seen.
EXECUTORS = {
    "spark.executor.instances": "2",
    "spark.executor.cores": "1",
    "spark.executor.memory": "512m",
    "spark.executor.extraJavaOptions": LEAN,
    "spark.driver.memory": "512m",
    "spark.driver.extraJavaOptions": LEAN,
    "spark.scheduler.minRegisteredResourcesRatio": "1.0",
    "spark.task.maxFailures": "1",
    "spark.python.worker.faulthandler.enabled": "true",
    "spark.executorEnv.PYTHONPATH": str(ROOT),
    "spark.executorEnv.SPARK_LOCAL_IP": "127.0.0.1",
    "spark.ui.enabled": "false",
}
YARN = {
    **EXECUTORS,
    "spark.yarn.jars": f"local:{PYSPARK}/jars/*",
    # Python workers read HDFS by themselves. Spark puts the submitter's configuration into a container's directory.
    "spark.executorEnv.HADOOP_CONF_DIR": "__spark_conf__/__hadoop_conf__",
    "spark.yarn.am.memory": "512m",
    "spark.yarn.am.extraJavaOptions": LEAN,
    "spark.yarn.appMasterEnv.PYTHONPATH": str(ROOT),
    "spark.yarn.appMasterEnv.SPARK_LOCAL_IP": "127.0.0.1",
    "spark.yarn.appMasterEnv.PYSPARK_PYTHON": sys.executable,
    "spark.executor.memoryOverhead": "300m",
    "spark.driver.memoryOverhead": "300m",
}


def with_krb5(conf: Mapping[str, str], hdfs: SecureHdfs) -> dict[str, str]:
    """`conf` for hosts with a krb5.conf, which every host of a Kerberos realm has; it gives nobody a ticket."""
    option = f" -Djava.security.krb5.conf={hdfs.krb5_conf}"
    return {key: value + (option if key.endswith(".extraJavaOptions") else "") for key, value in conf.items()}


def driver(environment: Mapping[str, str]) -> Driver:
    """A driver in a process of this host; `cluster_worker.py` says what it can do. Close it."""
    return Driver([sys.executable], environment, WORKER)


def driver_in_cluster(conf: Mapping[str, str], environment: Mapping[str, str]) -> Driver:
    """A driver that spark-submit places in a container of YARN, with all of its configuration in `conf`. Close it."""
    properties = [word for key, value in conf.items() for word in ("--conf", f"{key}={value}")]
    submit = [str(PYSPARK / "bin" / "spark-submit"), "--master", "yarn", "--deploy-mode", "cluster", *properties]
    return Driver(submit, {"SPARK_HOME": str(PYSPARK), **environment}, WORKER)


@dataclass(frozen=True)
class Table:
    """A Parquet table of a user's, and what a Spark without hybridfs finds in it.

    Others may neither list it nor read its files, but look at them where they know their names.

    url: of the table on HDFS; files: URLs of its files.
    """

    hdfs: Hdfs
    url: str
    found: list[Any]
    files: list[str]

    @property
    def path(self) -> str:
        """The table's path."""
        return self.url.removeprefix(self.hdfs.url)

    @contextmanager
    def nothing_served(self) -> Iterator[None]:
        """AssertionError if DataNodes sent anything inside."""
        before = self.hdfs.served()
        yield
        assert self.hdfs.served() == before, "data was read from HDFS"

    @contextmanager
    def readers(self) -> Iterator[set[tuple[str, str]]]:
        """Afterwards: who opened files of the table inside, and whether the NameNode allowed it, by its audit log."""
        namenode = self.hdfs.role("namenode0")
        before = len(namenode.log_text())
        found: set[tuple[str, str]] = set()
        yield found
        lines = rf"allowed=(\w+)\tugi=([^\t]+)\t[^\t]+\tcmd=open\tsrc={self.path}/"
        found |= {(user, allowed) for allowed, user in re.findall(lines, namenode.log_text()[before:])}


def write_table(hdfs: Hdfs, path: str, user: str = "alice") -> Table:
    """Write the table at a path, whose parent the user may write to, with Spark as it is."""
    url = hdfs.url + path
    with closing(driver(hdfs.as_user(user))) as plain:
        plain.do("start", master="local[1]", conf={"spark.hadoop.fs.permissions.umask-mode": "066"})
        plain.do("write", url=url)
        return Table(hdfs, url, plain.do("scan", url=url), plain.do("files", url=url))


def keytab_of(hdfs: SecureHdfs, user: str) -> dict[str, str]:
    """Properties by which Spark logs in as `user`."""
    return {
        "spark.kerberos.principal": hdfs.kdc.full(user),
        "spark.kerberos.keytab": str(hdfs.kdc.principal(user)),
    }


def hybrid(url: str) -> str:
    """The hybridfs:// URL of an hdfs:// one."""
    return url.replace("hdfs://", "hybridfs://")


def domains(cache_dir: Path) -> list[str]:
    """The domains that a root has (FORMAT.md section 2)."""
    return sorted(path.name for path in (cache_dir / "v1").iterdir() if path.is_dir() and path.name != "tmp")


def domain_of(hdfs: Hdfs) -> str:
    """The domain of what all users may share of a cluster (FORMAT.md section 2)."""
    return f"hdfs-{hdfs.authority.replace(':', '%3A')}"

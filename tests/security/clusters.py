"""Small Spark applications on a cluster: what they need of Spark's configuration, and how they are started."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

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


def files_of(hdfs: Hdfs, directory: str) -> list[str]:
    """Paths of a table's data files."""
    listed = hdfs.web("GET", directory, op="LISTSTATUS")["FileStatuses"]["FileStatus"]
    return [f"{directory}/{entry['pathSuffix']}" for entry in listed if entry["pathSuffix"].startswith("part-")]


def domains(cache_dir: Path) -> list[str]:
    """The domains that a root has (FORMAT.md section 2)."""
    return sorted(path.name for path in (cache_dir / "v1").iterdir() if path.is_dir() and path.name != "tmp")


def domain_of(hdfs: Hdfs) -> str:
    """The domain of what all users may share of a cluster (FORMAT.md section 2)."""
    return f"hdfs-{hdfs.authority.replace(':', '%3A')}"

"""YARN as processes on 127.0.0.1: a ResourceManager and NodeManagers, with and without Kerberos."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from spark_ext.bed import Daemon, Hdfs
from spark_ext.bed.component import Component
from spark_ext.bed.daemon import java_command
from spark_ext.bed.hadoopconf import write_conf
from spark_ext.bed.jars import jars
from spark_ext.bed.ports import free_port
from tests.security.bed.children import end_those_in
from tests.security.bed.kdc import Kdc
from tests.security.bed.secure_hdfs import SecureHdfs

_RECIPE = Path(__file__).with_name("yarn_jars")
_SERVER = "org.apache.hadoop.yarn.server"
_RESOURCEMANAGER = f"{_SERVER}.resourcemanager.ResourceManager"
_NODEMANAGER = f"{_SERVER}.nodemanager.NodeManager"
_ADDRESSES = ("address", "scheduler.address", "resource-tracker.address", "admin.address", "webapp.address")


class Yarn(Component):
    """A running YARN over `hdfs`, as a context manager.

    nodemanagers: how many, each with `memory` MiB for containers.
    conf: additional properties of all servers and clients, such as principals.

    Over a `SecureHdfs` the servers have principals of its KDC. Containers run as the user of this process
    (DefaultContainerExecutor: another user would need LinuxContainerExecutor, a setuid binary that no jar brings), and
    end with the context. They read files as the user who submitted the application: by its name, under Kerberos by its
    delegation tokens.
    """

    def __init__(
        self,
        hdfs: Hdfs,
        nodemanagers: int = 1,
        memory: int = 4096,
        conf: Mapping[str, object] | None = None,
    ):
        super().__init__("yarn")
        self.hdfs = hdfs
        self._count = nodemanagers
        self._memory = memory
        self._extra = {**(_secured(hdfs.kdc) if isinstance(hdfs, SecureHdfs) else {}), **(conf or {})}
        self._java_options = [f"-Djava.security.krb5.conf={hdfs.krb5_conf}"] if isinstance(hdfs, SecureHdfs) else []
        self._ports = {name: free_port() for name in _ADDRESSES}

    @property
    def conf_dir(self) -> Path:
        """Directory with `core-site.xml`, `hdfs-site.xml` and `yarn-site.xml` for clients (HADOOP_CONF_DIR)."""
        return self._scratch / "conf"

    def container_logs(self, name: str = "stderr") -> dict[str, str]:
        """What containers have written, by `<application>/<container>`."""
        logs = sorted(self._scratch.glob(f"nodemanager*/logs/application_*/container_*/{name}"))
        return {f"{log.parts[-3]}/{log.parts[-2]}": log.read_text(errors="replace") for log in logs}

    # -- life ---------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        for name in ("core-site.xml", "hdfs-site.xml"):
            (self.conf_dir / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.hdfs.conf_dir / name, self.conf_dir / name)
        write_conf(self.conf_dir / "yarn-site.xml", self._yarn_site())
        self._daemon("resourcemanager", _RESOURCEMANAGER, {}, "Transitioned to active state")
        for number in range(self._count):
            role = f"nodemanager{number}"
            self._daemon(role, _NODEMANAGER, self._node(role), "Registered with ResourceManager as")
        for daemon in self._daemons.values():
            daemon.start()
        for daemon in self._daemons.values():
            daemon.wait_ready(120)

    def _end(self) -> None:
        super()._end()
        end_those_in(self._scratch)  # containers

    def _daemon(self, role: str, main_class: str, site: Mapping[str, object], ready: str) -> None:
        conf = self._scratch / role / "conf"
        shutil.copytree(self.conf_dir, conf)
        write_conf(conf / "yarn-site.xml", {**self._yarn_site(), **site})
        classpath = [str(conf), f"{jars()}/*", f"{jars(_RECIPE)}/*"]
        java, *rest = java_command(main_class, classpath, self._scratch / role / "tmp")
        command = [java, *self._java_options, *rest]
        self._daemons[role] = Daemon(role, command, self._scratch / role / "log", ready)

    # -- configuration ------------------------------------------------------------------------------------------

    def _yarn_site(self) -> dict[str, object]:
        return {
            "yarn.resourcemanager.hostname": "localhost",
            **{f"yarn.resourcemanager.{name}": f"localhost:{port}" for name, port in self._ports.items()},
            "yarn.resourcemanager.scheduler.class": f"{_SERVER}.resourcemanager.scheduler.fifo.FifoScheduler",
            "yarn.resourcemanager.am.max-attempts": 1,  # what fails is to be seen at once
            "yarn.resourcemanager.nodemanagers.heartbeat-interval-ms": 100,
            "yarn.scheduler.minimum-allocation-mb": 64,
            "yarn.acl.enable": True,
            **self._extra,
        }

    def _node(self, role: str) -> dict[str, object]:
        directory = self._scratch / role
        return {
            "yarn.nodemanager.hostname": "localhost",
            "yarn.nodemanager.address": f"localhost:{free_port()}",
            "yarn.nodemanager.localizer.address": f"localhost:{free_port()}",
            "yarn.nodemanager.webapp.address": f"localhost:{free_port()}",
            "yarn.nodemanager.local-dirs": str(directory / "local"),
            "yarn.nodemanager.log-dirs": str(directory / "logs"),
            "yarn.nodemanager.resource.memory-mb": self._memory,
            "yarn.nodemanager.resource.cpu-vcores": 16,
            "yarn.nodemanager.vmem-check-enabled": False,
            "yarn.nodemanager.delete.debug-delay-sec": 600,  # tests look into logs
            "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": 100,
        }


def _secured(kdc: Kdc) -> dict[str, object]:
    web = "HTTP/localhost"
    conf: dict[str, object] = {
        "yarn.resourcemanager.webapp.spnego-principal": kdc.full(web),
        "yarn.resourcemanager.webapp.spnego-keytab-file": kdc.principal(web),
    }
    for server, principal in (("resourcemanager", "rm/localhost"), ("nodemanager", "nm/localhost")):
        conf[f"yarn.{server}.principal"] = kdc.full(principal)
        conf[f"yarn.{server}.keytab"] = kdc.principal(principal)
    return conf

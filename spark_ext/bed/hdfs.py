"""An HDFS of separate processes: one or two NameNodes and some DataNodes."""

from __future__ import annotations

import getpass
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spark_ext.bed import http
from spark_ext.bed.component import Component
from spark_ext.bed.daemon import Daemon, java_command, run_java
from spark_ext.bed.hadoopconf import write_conf
from spark_ext.bed.jars import jars
from spark_ext.bed.place import HERE, Place
from spark_ext.bed.ports import free_port
from spark_ext.bed.tools import BedError

NAMESERVICE = "hybridbed"
_SERVER = "org.apache.hadoop.hdfs.server"
_NAMENODE = f"{_SERVER}.namenode.NameNode"
_DATANODE = f"{_SERVER}.datanode.DataNode"
_HAADMIN = "org.apache.hadoop.hdfs.tools.DFSHAAdmin"
# The daemons show a metric over HTTP at most this late (seconds).
_METRIC_PERIOD = 0.1


@dataclass(frozen=True)
class _NameNode:
    id: str
    rpc_port: int
    http_port: int


@dataclass(frozen=True)
class _DataNode:
    id: str
    http_port: int


@dataclass(frozen=True)
class Served:
    """What DataNodes have sent.

    bytes: of file data with their checksums (metric `BytesRead`); a request that the client broke off adds nothing.
    requests: for a range of a block, also those broken off (`BlocksRead`).
    """

    bytes: int
    requests: int

    def __add__(self, other: Served) -> Served:
        return Served(self.bytes + other.bytes, self.requests + other.requests)

    def __sub__(self, earlier: Served) -> Served:
        return Served(self.bytes - earlier.bytes, self.requests - earlier.requests)


class Hdfs(Component):
    """A running HDFS, as a context manager.

    datanodes: how many DataNodes (each block is on at most two).
    ha: two NameNodes over shared edits; `url` then names a nameservice, which clients resolve by `conf_dir`.
    conf: additional Hadoop properties for the servers and for `conf_dir`.
    scratch: an existing directory for data and logs; without it a temporary one, removed at the end.
    classpath: further entries for the servers, such as a plugin's jars and its directory of configuration.
    java_options: further options of the servers' JVMs.
    at: where the servers are, such as the far end of a `Link`; clients must be where they see that address.

    Permissions are on and the superuser is the user of this process. Roles have the ids `namenode0`,
    `namenode1`, `datanode0`, ...
    """

    def __init__(
        self,
        datanodes: int = 2,
        ha: bool = False,
        conf: Mapping[str, object] | None = None,
        scratch: Path | None = None,
        classpath: Sequence[Path] = (),
        java_options: Sequence[str] = (),
        at: Place = HERE,
    ):
        super().__init__("hdfs", scratch)
        self.ha = ha
        self.superuser = getpass.getuser()
        self._count = datanodes
        self._extra = dict(conf or {})
        self._further = [str(entry) for entry in classpath]
        self._java_options = list(java_options)
        self.at = at

    # -- life ---------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._jars = jars()
        self._namenodes = [_NameNode(f"namenode{n}", free_port(), free_port()) for n in range(2 if self.ha else 1)]
        self._datanodes: list[_DataNode] = []
        write_conf(self.conf_dir / "core-site.xml", self._core_site())
        write_conf(self.conf_dir / "hdfs-site.xml", self._hdfs_site())
        for number, node in enumerate(self._namenodes):
            self._prepare_namenode(node, first=number == 0)
        for number in range(self._count):
            self._prepare_datanode(f"datanode{number}")
        for datanode in self._datanodes:
            self._daemons[datanode.id].start()
        if self.ha:
            self._haadmin("-transitionToActive", self._namenodes[0].id)
        for datanode in self._datanodes:
            self._daemons[datanode.id].wait_ready()
        self.web("PUT", "/tmp", op="MKDIRS", permission="1777")

    # -- what clients need --------------------------------------------------------------------------------------

    @property
    def authority(self) -> str:
        """`ADDRESS:PORT`, or the nameservice."""
        return NAMESERVICE if self.ha else f"{self.at.address}:{self._namenodes[0].rpc_port}"

    @property
    def url(self) -> str:
        """`hdfs://` and the authority, no slash at the end."""
        return f"hdfs://{self.authority}"

    @property
    def web_authority(self) -> str:
        """`ADDRESS:PORT` of the first NameNode's WebHDFS."""
        return f"{self.at.address}:{self._namenodes[0].http_port}"

    @property
    def conf_dir(self) -> Path:
        """Directory with `core-site.xml` and `hdfs-site.xml` for clients (HADOOP_CONF_DIR)."""
        return self._scratch / "conf"

    def client_conf(self) -> dict[str, str]:
        """The properties of `conf_dir` that name this cluster, for a client that takes them one by one."""
        site = {**self._core_site(), **self._naming()}
        return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in site.items()}

    def as_user(self, name: str) -> dict[str, str]:
        """Environment variables that make a Java or hdfs-native client of this cluster act as user `name`."""
        return {"HADOOP_CONF_DIR": str(self.conf_dir), "HADOOP_USER_NAME": name}

    # -- faults -------------------------------------------------------------------------------------------------

    def role(self, role: str) -> Daemon:
        """The process of a role such as `datanode1`; BedError for an unknown one."""
        try:
            return self._daemons[role]
        except KeyError:
            raise BedError(f"no role {role!r} here, only {', '.join(self._daemons)}") from None

    def kill(self, role: str) -> None:
        """End one role as a power cut would."""
        self.role(role).kill()

    def pause(self, role: str) -> None:
        """Freeze one role (SIGSTOP)."""
        self.role(role).pause()

    def resume(self, role: str) -> None:
        """Undo `pause`."""
        self.role(role).resume()

    def start(self, role: str) -> None:
        """Start a role that was killed or stopped, on its old ports and data; returns when it serves.

        A NameNode serves when all DataNodes that respond have told it about their blocks.
        """
        daemon = self.role(role)
        reporters = self._responsive_datanodes() if role.startswith("namenode") else []
        for reporter in reporters:
            reporter.forget_log()
        daemon.start()
        for started in (daemon, *reporters):
            started.wait_ready()

    def restart(self, role: str) -> None:
        """Stop one role and start it again; returns when it serves."""
        self.role(role).stop()
        self.start(role)

    def data_dir(self, role: str) -> Path:
        """Directory where a role keeps its data (blocks of a DataNode, image and edits of a NameNode)."""
        return self._scratch / self.role(role).name / "data"

    # -- high availability --------------------------------------------------------------------------------------

    @property
    def active(self) -> str | None:
        """Id of the NameNode that is active now, or None."""
        for node in self._namenodes:
            if self._daemons[node.id].running and self._state(node) == "active":
                return node.id
        return None

    def failover(self) -> str:
        """Make the other NameNode active, also when the active one is dead; returns the id of the new one."""
        old = self.active
        candidates = [node.id for node in self._namenodes if node.id != old and self._daemons[node.id].running]
        if not self.ha or not candidates:
            raise BedError("failover needs Hdfs(ha=True) and a running NameNode that is not active")
        if old is not None:
            self._haadmin("-transitionToStandby", old)
        # Forced, since a dead peer can not confirm that it is not active.
        self._haadmin("-transitionToActive", "--forceactive", candidates[0])
        return candidates[0]

    def _state(self, node: _NameNode) -> str:
        return str(http.jmx(self.at, node.http_port, "Hadoop:service=NameNode,name=NameNodeStatus")[0]["State"])

    def _haadmin(self, *arguments: str) -> None:
        tool = java_command(_HAADMIN, self._classpath(self.conf_dir), self._scratch / "tmp")
        run_java(self.at([*tool, "-ns", NAMESERVICE, *arguments]))

    # -- what the servers counted -------------------------------------------------------------------------------

    def served(self) -> Served:
        """What all DataNodes have sent to clients so far, by their own metrics.

        They count a block when they have sent it, so the sums are taken when they have stopped moving. A role that
        is down counts nothing, and starts at 0 when it comes back.
        """
        previous = None
        while True:
            time.sleep(2 * _METRIC_PERIOD)
            current = sum(map(self._datanode_served, self._datanodes), Served(0, 0))
            if current == previous:
                return current
            previous = current

    def bytes_read(self) -> int:
        """`served().bytes`."""
        return self.served().bytes

    def rpc_counts(self) -> dict[str, int]:
        """Calls that the NameNodes have answered, by method, such as `{"GetBlockLocations": 3}`."""
        time.sleep(2 * _METRIC_PERIOD)
        counts: dict[str, int] = {}
        for node in self._namenodes:
            if self._daemons[node.id].running:
                for method, number in _rpc_counts(self.at, node).items():
                    counts[method] = counts.get(method, 0) + number
        return counts

    def _datanode_served(self, node: _DataNode) -> Served:
        if not self._daemons[node.id].running:
            return Served(0, 0)
        bean = http.jmx(self.at, node.http_port, "Hadoop:service=DataNode,name=DataNodeActivity-*")[0]
        return Served(bean["BytesRead"], bean["BlocksRead"])

    def web(self, method: str, path: str, user: str | None = None, **parameters: object) -> http.Json:
        """One WebHDFS call on the active NameNode as `user` (default: the superuser); returns its JSON."""
        active = self.active
        port = next((node.http_port for node in self._namenodes if node.id == active), None)
        if port is None:
            raise BedError("no NameNode is active")
        return http.webhdfs(self.at, port, method, path, **self._web_identity(user or self.superuser), **parameters)

    def _web_identity(self, user: str) -> dict[str, str]:
        """The parameters of a WebHDFS call by which the NameNode knows `user`."""
        return {"user.name": user}

    def put(self, path: str, data: bytes, user: str | None = None, permission: str = "644") -> None:
        """Write a file with `data` as `user` (default: the superuser), over one that is there."""
        wanted = {"op": "CREATE", "overwrite": "true", "permission": permission, "noredirect": "true"}
        http.send(self.at, self.web("PUT", path, user, **wanted)["Location"], data)

    def _responsive_datanodes(self) -> list[Daemon]:
        daemons = [self._daemons[node.id] for node in self._datanodes]
        return [daemon for daemon in daemons if daemon.running and not daemon.paused]

    # -- roles --------------------------------------------------------------------------------------------------

    def _prepare_namenode(self, node: _NameNode, first: bool) -> None:
        site = {
            "dfs.namenode.name.dir": f"file://{self._scratch / node.id / 'data'}",
            **({"dfs.ha.namenode.id": node.id} if self.ha else {}),
        }
        command = self._role(node.id, _NAMENODE, site, "namenode")
        setup = ["-format", "-force", "-nonInteractive"] if first else ["-bootstrapStandby", "-force"]
        run_java([*command, *setup])
        daemon = self._daemon(node.id, command, "NameNode RPC up at")
        daemon.start()
        daemon.wait_ready()

    def _prepare_datanode(self, role: str) -> None:
        node = _DataNode(role, free_port())
        site = {
            "dfs.datanode.data.dir": f"file://{self._scratch / role / 'data'}",
            "dfs.datanode.hostname": "localhost" if self.at == HERE else self.at.address,
            "dfs.datanode.address": f"{self.at.address}:{free_port()}",
            "dfs.datanode.ipc.address": f"{self.at.address}:{free_port()}",
            "dfs.datanode.http.address": f"{self.at.address}:{node.http_port}",
        }
        self._datanodes.append(node)
        self._daemon(role, self._role(role, _DATANODE, site, "datanode"), "Successfully sent block report")

    def _role(self, role: str, main_class: str, site: Mapping[str, object], metrics: str) -> list[str]:
        """Write the configuration of one role and return its command line."""
        conf = self._scratch / role / "conf"
        write_conf(conf / "core-site.xml", self._core_site())
        write_conf(conf / "hdfs-site.xml", {**self._hdfs_site(), **site})
        period = f"*.periodMillis={int(_METRIC_PERIOD * 1000)}\n"
        (conf / f"hadoop-metrics2-{metrics}.properties").write_text(period)
        java, *rest = java_command(main_class, self._classpath(conf), self._scratch / role / "tmp")
        return self.at([java, *self._java_options, *rest])

    def _daemon(self, role: str, command: list[str], ready: str) -> Daemon:
        daemon = self._daemons[role] = Daemon(role, command, self._scratch / role / "log", ready)
        return daemon

    def _classpath(self, conf: Path) -> list[str]:
        return [str(conf), *self._further, f"{self._jars}/*"]

    # -- configuration ------------------------------------------------------------------------------------------

    def _core_site(self) -> dict[str, object]:
        return {"fs.defaultFS": self.url, "hadoop.tmp.dir": str(self._scratch / "tmp"), **self._extra}

    def _hdfs_site(self) -> dict[str, object]:
        return {
            "dfs.replication": min(2, self._count),
            "dfs.permissions.enabled": True,
            "dfs.namenode.acls.enabled": True,
            "dfs.namenode.datanode.registration.ip-hostname-check": False,
            "dfs.namenode.safemode.extension": 0,
            "dfs.namenode.fs-limits.min-block-size": 1024,
            "dfs.namenode.handler.count": 8,
            # A killed DataNode is known dead within seconds.
            "dfs.heartbeat.interval": 1,
            "dfs.namenode.heartbeat.recheck-interval": 2000,
            # Two DataNodes: a client must not ask for a third when one fails in a write.
            "dfs.client.block.write.replace-datanode-on-failure.policy": "NEVER",
            "dfs.client.socket-timeout": 5000,
            "dfs.client.failover.max.attempts": 6,
            "dfs.client.failover.sleep.base.millis": 100,
            "dfs.client.failover.sleep.max.millis": 1000,
            **self._naming(),
            **self._extra,
        }

    def _naming(self) -> dict[str, object]:
        """The properties by which clients and servers find the NameNodes."""
        if not self.ha:
            node = self._namenodes[0]
            return {"dfs.namenode.http-address": f"{self.at.address}:{node.http_port}"}
        named: dict[str, object] = {
            "dfs.nameservices": NAMESERVICE,
            f"dfs.ha.namenodes.{NAMESERVICE}": ",".join(node.id for node in self._namenodes),
            f"dfs.client.failover.proxy.provider.{NAMESERVICE}": (
                f"{_SERVER}.namenode.ha.ConfiguredFailoverProxyProvider"
            ),
            "dfs.namenode.shared.edits.dir": f"file://{self._scratch / 'shared-edits'}",
            "dfs.ha.tail-edits.period": 1,
            "dfs.ha.fencing.methods": "shell(/bin/true)",
        }
        for node in self._namenodes:
            named[f"dfs.namenode.rpc-address.{NAMESERVICE}.{node.id}"] = f"{self.at.address}:{node.rpc_port}"
            named[f"dfs.namenode.http-address.{NAMESERVICE}.{node.id}"] = f"{self.at.address}:{node.http_port}"
        return named


def _rpc_counts(at: Place, node: _NameNode) -> dict[str, int]:
    beans = http.jmx(at, node.http_port, f"Hadoop:service=NameNode,name=RpcDetailedActivityForPort{node.rpc_port}")
    # A bean names each method thrice: `GetFileInfoNumOps`, and that after `Overall` and after `Deferred`.
    method = re.compile(r"(?!Overall|Deferred)(\w+)NumOps")
    found = {match: number for bean in beans for key, number in bean.items() if (match := method.fullmatch(key))}
    return {match[1]: number for match, number in found.items() if number}

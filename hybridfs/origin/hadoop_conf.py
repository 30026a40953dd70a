"""The usual Hadoop client configuration: core-site.xml and hdfs-site.xml of HADOOP_CONF_DIR or HADOOP_HOME."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit
from xml.etree import ElementTree

DEFAULT_PORT = 8020
_RPC_ADDRESS = "dfs.namenode.rpc-address."


def load() -> dict[str, str]:
    """All properties; empty where there is no configuration."""
    home = os.environ.get("HADOOP_HOME")
    directory = os.environ.get("HADOOP_CONF_DIR") or (os.path.join(home, "etc", "hadoop") if home else None)
    properties: dict[str, str] = {}
    for name in ("core-site.xml", "hdfs-site.xml"):
        path = os.path.join(directory, name) if directory else ""
        if os.path.isfile(path):
            for item in ElementTree.parse(path).getroot().iter("property"):
                properties[(item.findtext("name") or "").strip()] = (item.findtext("value") or "").strip()
    return properties


def authority(host: str | None, port: int | None, properties: Mapping[str, str]) -> str:
    """The canonical authority of an HDFS (FORMAT.md section 2). Raises ValueError where none is named or configured."""
    if not host:
        default = urlsplit(properties.get("fs.defaultFS", ""))
        if default.scheme != "hdfs" or not default.hostname:
            raise ValueError("no NameNode: write hybridfs://namenode:8020/path, or set fs.defaultFS in HADOOP_CONF_DIR")
        host, port = _host_of(default.netloc), default.port
    addresses = {
        key.removeprefix(_RPC_ADDRESS): value for key, value in properties.items() if key.startswith(_RPC_ADDRESS)
    }
    listed = [*properties.get("dfs.nameservices", "").split(","), *(key.partition(".")[0] for key in addresses)]
    named = {service.strip().lower(): service.strip() for service in listed if service.strip()}
    if port is None and host.lower() in named:
        return named[host.lower()]
    address = _with_port(f"{host}:{port or DEFAULT_PORT}")
    return next((key.partition(".")[0] for key, value in addresses.items() if _with_port(value) == address), address)


def milliseconds(properties: Mapping[str, str], key: str) -> float:
    """A time in milliseconds as seconds; 0 where there is none. Raises ValueError, naming the property."""
    text = properties.get(key) or "0"
    try:
        return int(text) / 1000
    except ValueError:
        raise ValueError(f"Hadoop property {key} is {text!r}, not a number of milliseconds") from None


def _with_port(address: str) -> str:
    return address.lower() if ":" in address else f"{address.lower()}:{DEFAULT_PORT}"


def _host_of(netloc: str) -> str:
    """The host with its case, which ``urlsplit().hostname`` drops and the name of a nameservice needs."""
    return netloc.rpartition("@")[2].partition(":")[0]

"""A Hive Metastore as a process of its own, from the jars that PySpark ships, over a Derby in memory."""

from __future__ import annotations

import importlib.util
import re
import shutil
from functools import partial
from pathlib import Path

from spark_ext.bed.component import Component
from spark_ext.bed.daemon import Daemon, java_command, run_java
from spark_ext.bed.hadoopconf import write_conf
from spark_ext.bed.hdfs import Hdfs
from spark_ext.bed.ports import free_port, is_listening
from spark_ext.bed.tools import BedError

_DUMP = Path(__file__).with_name("Locations.java")
_URI = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*:/[^\s,;)}\]]*")


class Metastore(Component):
    """A running metastore beside `hdfs`, where its warehouse is, as a context manager. What it holds ends with it."""

    def __init__(self, hdfs: Hdfs):
        super().__init__("metastore")
        self.hdfs = hdfs
        self.port = free_port()

    @property
    def uri(self) -> str:
        """`thrift://ADDRESS:PORT`."""
        return f"thrift://{self.hdfs.at.address}:{self.port}"

    @property
    def warehouse(self) -> str:
        """URL of the warehouse directory on HDFS."""
        return f"{self.hdfs.url}/user/hive/warehouse"

    def spark_conf(self) -> dict[str, str]:
        """Spark properties that make a session use this metastore and this HDFS."""
        hadoop = {f"spark.hadoop.{name}": value for name, value in self.hdfs.client_conf().items()}
        return {
            **hadoop,
            "spark.sql.catalogImplementation": "hive",
            "spark.hadoop.hive.metastore.uris": self.uri,
            "spark.sql.warehouse.dir": self.warehouse,
        }

    def dump(self) -> list[str]:
        """All databases, tables, partitions and functions with all their fields, each as one line of text."""
        # A source file in the place of a main class is compiled and run.
        command = [*java_command(str(_DUMP), self._classpath(), self._temporary), self.uri]
        return run_java(self.hdfs.at(command)).splitlines()

    def uris(self) -> set[str]:
        """Every URI in `dump()`: locations, SerDe parameters, view texts, anything."""
        return {uri for line in self.dump() for uri in _URI.findall(line)}

    def _start(self) -> None:
        self.hdfs.web("PUT", "/user/hive/warehouse", op="MKDIRS", permission="1777")
        write_conf(self._scratch / "hive-site.xml", self._hive_site())
        for name in ("core-site.xml", "hdfs-site.xml"):
            shutil.copy(self.hdfs.conf_dir / name, self._scratch / name)
        main_class = "org.apache.hadoop.hive.metastore.HiveMetaStore"
        command = [*java_command(main_class, self._classpath(), self._temporary, "512m"), "-p", str(self.port)]
        ready = partial(is_listening, self.port, self.hdfs.at)
        self._serve(Daemon("metastore", self.hdfs.at(command), self._scratch / "log", ready))

    @property
    def _temporary(self) -> Path:
        return self._scratch / "tmp"

    def _classpath(self) -> list[str]:
        return [str(self._scratch), f"{_pyspark_jars()}/*"]

    def _hive_site(self) -> dict[str, object]:
        return {
            "javax.jdo.option.ConnectionURL": "jdbc:derby:memory:hms;create=true",
            "datanucleus.schema.autoCreateAll": True,
            "datanucleus.connectionPoolingType": "HikariCP",
            "hive.metastore.schema.verification": False,
            # The default wants a logging library that Spark does not ship.
            "hive.async.log.enabled": False,
            "hive.metastore.warehouse.dir": self.warehouse,
        }


def _pyspark_jars() -> Path:
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise BedError("the metastore runs from PySpark's jars, and pyspark is not installed: pip install pyspark")
    return Path(spec.origin).parent / "jars"

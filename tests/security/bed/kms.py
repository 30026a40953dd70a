"""Hadoop's own KMS as a process: it keeps the keys of encryption zones and says who may decrypt with them.

>>> with Kms() as kms, Hdfs(conf=kms.hadoop_conf()) as hdfs:        # doctest: +SKIP
...     kms.create_key("k1")
...     kms.allow_decryption("k1", ["alice"])
"""

from __future__ import annotations

import getpass
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from spark_ext.bed import BedError, Daemon
from spark_ext.bed.component import Component
from spark_ext.bed.daemon import java_command
from spark_ext.bed.hadoopconf import write_conf
from spark_ext.bed.jars import jars
from spark_ext.bed.ports import free_port

_RECIPE = Path(__file__).with_name("kms_jars")
_MAIN = "org.apache.hadoop.crypto.key.kms.server.KMSWebServer"
# Its JAXB of Java 8's time reaches into the class loader.
_JAVA_OPTIONS = ("--add-opens", "java.base/java.lang=ALL-UNNAMED")
_LOG = """\
log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %-5p %c{1} - %m%n
"""
_ALL = "*"
_ACL_POLL = 1.0  # the KMS looks for a newer kms-acls.xml this often (seconds)
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Kms(Component):
    """A running KMS with simple authentication on 127.0.0.1, as a context manager.

    The user of this process manages keys, reads their metadata and lets the NameNode make encrypted keys with them.
    Nobody may decrypt with a key until `allow_decryption` names him.
    """

    def __init__(self) -> None:
        super().__init__("kms")
        self.port = free_port()
        self._manager = getpass.getuser()
        self._decrypters: dict[str, list[str]] = {}

    @property
    def uri(self) -> str:
        """The key provider's URI, for `hadoop.security.key.provider.path`."""
        return f"kms://http@127.0.0.1:{self.port}/kms"

    def hadoop_conf(self) -> dict[str, object]:
        """The property by which NameNodes and clients find it."""
        return {"hadoop.security.key.provider.path": self.uri}

    def create_key(self, name: str, bits: int = 128) -> None:
        """Make a key with which nobody may decrypt yet."""
        self._decrypters.setdefault(name, [])
        self._write_acls()
        self._call("keys", {"name": name, "cipher": "AES/CTR/NoPadding", "length": bits})

    def allow_decryption(self, key: str, users: Sequence[str]) -> None:
        """From now on `users`, and nobody else, may decrypt with `key`. Returns when the KMS has heard of it."""
        self._decrypters[key] = list(users)
        self._write_acls()
        time.sleep(2.5 * _ACL_POLL)

    def audit(self) -> str:
        """What it has logged about who used which key."""
        return "\n".join(line for line in self._daemons["kms"].log_text().splitlines() if " kms-audit - " in line)

    def _start(self) -> None:
        conf = self._scratch / "conf"
        temporary = self._scratch / "tmp"
        write_conf(conf / "core-site.xml", {"hadoop.tmp.dir": temporary})
        write_conf(
            conf / "kms-site.xml",
            {
                "hadoop.kms.key.provider.uri": f"jceks://file@{self._scratch}/keys.jceks",
                "hadoop.kms.http.host": "127.0.0.1",
                "hadoop.kms.http.port": self.port,
                "hadoop.kms.authentication.type": "simple",
                "hadoop.kms.acl.CREATE": self._manager,
            },
        )
        self._write_acls()
        (conf / "log4j.properties").write_text(_LOG)
        java, *rest = java_command(_MAIN, [conf, jars(_RECIPE) / "*"], temporary, heap="128m")
        where = [
            f"-Dkms.config.dir={conf}",
            f"-Dkms.log.dir={self._scratch}",
            "-Dlog4j.configuration=log4j.properties",
        ]
        self._serve(Daemon("kms", [java, *_JAVA_OPTIONS, *where, *rest], self._scratch / "log", "Started @"))

    def _write_acls(self) -> None:
        write_conf(self._scratch / "conf" / "kms-acls.xml", _acls(self._manager, self._decrypters))

    def _call(self, what: str, body: Mapping[str, object]) -> None:
        url = f"http://127.0.0.1:{self.port}/kms/v1/{what}?{urllib.parse.urlencode({'user.name': self._manager})}"
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            with _opener.open(request, timeout=30):
                pass
        except urllib.error.HTTPError as error:
            raise BedError(f"the KMS answered {error.code} to {what}: {error.read().decode()}") from None


def _acls(manager: str, decrypters: Mapping[str, Sequence[str]]) -> dict[str, object]:
    acls: dict[str, object] = {f"hadoop.kms.acl.{call}": manager for call in ("CREATE", "DELETE", "ROLLOVER", "GET")}
    acls |= {f"default.key.acl.{right}": manager for right in ("MANAGEMENT", "GENERATE_EEK", "READ")}
    for key, users in decrypters.items():
        acls[f"key.acl.{key}.DECRYPT_EEK"] = ",".join(users) or " "
        acls |= {f"key.acl.{key}.{right}": manager for right in ("MANAGEMENT", "GENERATE_EEK", "READ")}
    return acls

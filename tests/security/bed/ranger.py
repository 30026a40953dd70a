"""Ranger's HDFS plugin inside a NameNode, and a small endpoint that gives it policies as Ranger Admin does.

>>> with Ranger() as ranger, Hdfs(**ranger.for_hdfs()) as hdfs:     # doctest: +SKIP
...     ranger.set_policies(Policy("/data/secret", allow={"alice"}, deny={"bob"}))
"""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.parse
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from spark_ext.bed import BedError
from spark_ext.bed.component import Component
from spark_ext.bed.hadoopconf import write_conf
from spark_ext.bed.jars import jars

_RECIPE = Path(__file__).with_name("ranger_jars")
_AUTHORIZER = "org.apache.ranger.authorization.hadoop.RangerHdfsAuthorizer"
_DEFINITION = "service-defs/ranger-servicedef-hdfs.json"
_SERVICE = "bed"
_DOWNLOAD = re.compile(rf"(?:/service)?/plugins/policies/download/{_SERVICE}")
_PLUGIN = "ranger.plugin.hdfs"
# Some of its classes log by log4j; without this they would be silent about what went wrong.
_LOG = """\
log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%-5p %c{1} - %m%n
"""


@dataclass(frozen=True)
class Policy:
    """Who may and who may not read a path and all below it; of everybody else HDFS's permissions decide."""

    path: str
    allow: frozenset[str] | set[str] = frozenset()
    deny: frozenset[str] | set[str] = frozenset()


class Ranger(Component):
    """The policies of one HDFS, served on a port of 127.0.0.1, as a context manager.

    poll: how often the plugin asks for newer policies, in seconds.
    """

    def __init__(self, poll: float = 2.0):
        super().__init__("ranger")
        self.poll = poll
        self._policies: list[dict[str, Any]] = []
        self._version = 1
        self._changed = threading.Condition()
        self._known = 0  # the newest one that a plugin said it uses

    def _start(self) -> None:
        self._jars = jars(_RECIPE)
        self._definition = _definition(self._jars)
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self._write_conf()

    def _end(self) -> None:
        if hasattr(self, "_thread"):
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def for_hdfs(self) -> dict[str, Any]:
        """The arguments of `Hdfs` by which its NameNodes load the plugin."""
        return {
            "classpath": [self._scratch / "conf", self._jars / "*"],
            "conf": {"dfs.namenode.inode.attributes.provider.class": _AUTHORIZER},
        }

    def set_policies(self, *policies: Policy) -> None:
        """These are the policies from now on; the plugin hears of them within `poll` seconds."""
        with self._changed:
            self._version += 1
            self._policies = [_policy(number, policy) for number, policy in enumerate(policies, 1)]

    def wait_in_force(self, timeout: float = 30) -> None:
        """Returns when a plugin uses the policies: it says which version it has when it asks the next time."""
        with self._changed:
            wanted = self._version
            if not self._changed.wait_for(lambda: self._known >= wanted, timeout):
                raise BedError(f"no plugin took version {wanted} of the policies in {timeout:g} s")

    def _answer(self, known: int) -> bytes | None:
        """What a plugin that has version `known` is told; None: that nothing has changed."""
        with self._changed:
            self._known = max(self._known, known)
            self._changed.notify_all()
            if known == self._version:
                return None
            return json.dumps(_service_policies(self._version, self._definition, self._policies)).encode()

    def _write_conf(self) -> None:
        conf = self._scratch / "conf"
        cache = self._scratch / "policies"
        cache.mkdir()
        write_conf(
            conf / "ranger-hdfs-security.xml",
            {
                f"{_PLUGIN}.service.name": _SERVICE,
                f"{_PLUGIN}.policy.source.impl": "org.apache.ranger.admin.client.RangerAdminRESTClient",
                f"{_PLUGIN}.policy.rest.url": f"http://127.0.0.1:{self._server.server_address[1]}",
                f"{_PLUGIN}.policy.pollIntervalMs": int(self.poll * 1000),
                f"{_PLUGIN}.policy.cache.dir": cache,
                "xasecure.add-hadoop-authorization": True,
            },
        )
        write_conf(conf / "ranger-hdfs-audit.xml", {"xasecure.audit.is.enabled": False})
        (conf / "log4j.properties").write_text(_LOG)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, ranger: Ranger):
        self.ranger = ranger
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        asked = urllib.parse.urlsplit(self.path)
        if not _DOWNLOAD.fullmatch(asked.path):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        body = self.server.ranger._answer(int(urllib.parse.parse_qs(asked.query)["lastKnownVersion"][0]))
        self.send_response(HTTPStatus.OK if body else HTTPStatus.NOT_MODIFIED)
        if body:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        """Nothing: a poll each second or two is no news."""


def _definition(directory: Path) -> dict[str, Any]:
    """Ranger's own definition of an HDFS service, with denials switched on, from the plugin's jars."""
    with zipfile.ZipFile(next(directory.glob("ranger-plugins-common-*.jar"))) as jar:
        definition: dict[str, Any] = json.loads(jar.read(_DEFINITION))
    return definition | {"options": {"enableDenyAndExceptionsInPolicies": "true"}}


def _service_policies(version: int, definition: dict[str, Any], policies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "serviceName": _SERVICE,
        "serviceId": 1,
        "policyVersion": version,
        "policyUpdateTime": int(time.time() * 1000),
        "policies": policies,
        "serviceDef": definition,
        "auditMode": "audit-none",
    }


def _policy(number: int, policy: Policy) -> dict[str, Any]:
    return {
        "id": number,
        "guid": f"policy-{number}",
        "name": f"policy {number}",
        "service": _SERVICE,
        "policyType": 0,
        "isEnabled": True,
        "isAuditEnabled": False,
        "version": 1,
        "resources": {"path": {"values": [policy.path], "isExcludes": False, "isRecursive": True}},
        "policyItems": _items(policy.allow),
        "denyPolicyItems": _items(policy.deny),
        "allowExceptions": [],
        "denyExceptions": [],
        "dataMaskPolicyItems": [],
        "rowFilterPolicyItems": [],
    }


def _items(users: frozenset[str] | set[str]) -> list[dict[str, Any]]:
    accesses = [{"type": access, "isAllowed": True} for access in ("read", "execute")]
    return [{"users": sorted(users), "groups": [], "accesses": accesses}] if users else []

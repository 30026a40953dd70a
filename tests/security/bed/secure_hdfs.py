"""An HDFS under Kerberos, of separate processes.

>>> with Kdc("ONPREM") as kdc, SecureHdfs(kdc) as hdfs:     # doctest: +SKIP
...     hdfs.web("PUT", "/data", op="MKDIRS", permission="1777")        # as the superuser, like every call without user
...     hdfs.put("/data/f", b"secret", user="alice", permission="600")
...     hdfs.web("PUT", "/data/f", op="SETOWNER", owner="bob")          # or SETPERMISSION, RENAME, DELETE, …
...     environment = hdfs.as_user("alice")                 # of a process that has alice's ticket, in Python or Java

What `environment` holds: HADOOP_CONF_DIR, KRB5_CONFIG and KRB5CCNAME; for JVMs JAVA_TOOL_OPTIONS. Run hdfs-native in
a process of its own, because libkrb5 reads KRB5_CONFIG there, as tests/python/support.py's `run_python` does, or
tests/security/reading.py's `in_python`. A Spark driver that is started with it, as tests/spark/conftest.py starts them,
reads with the ticket; one that has `spark.kerberos.principal` and `spark.kerberos.keytab` (`kdc.principal("alice")`)
needs no KRB5CCNAME.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spark_ext.bed import Hdfs
from spark_ext.bed.daemon import java_command, run_java
from tests.security.bed.kdc import Kdc, write_krb5_conf

_TOKENS = Path(__file__).with_name("Tokens.java")
_SUPERUSER = "hdfs"


class SecureHdfs(Hdfs):
    """A running HDFS that knows its users by the tickets of `kdc`, as a context manager.

    privacy: encrypt RPCs and blocks on the wire; without it both are authenticated, and in plain text.
    trusted: KDCs of other realms, whose users `trust` has let in. `alice@CLOUD` becomes `alice`.
    proxies: short names of users who may act for all others.
    conf, datanodes, classpath, java_options: see `Hdfs`.

    The superuser is `hdfs`. Users are in the groups that `hadoop.user.group.static.mapping.overrides` says, else in
    those of this host, mostly none.
    """

    def __init__(
        self,
        kdc: Kdc,
        privacy: bool = False,
        trusted: Sequence[Kdc] = (),
        proxies: Sequence[str] = (),
        conf: Mapping[str, object] | None = None,
        java_options: Sequence[str] = (),
        **options: Any,
    ):
        self.kdc = kdc
        self.trusted = list(trusted)
        self._caches: dict[str, Path] = {}
        self._tokens: dict[str, str] = {}
        krb5 = _java_krb5(self.krb5_conf)
        secured = {**self._secured(privacy), **_proxying(proxies), **(conf or {})}
        super().__init__(conf=secured, java_options=[krb5, *java_options], **options)
        self.superuser = _SUPERUSER

    @property
    def krb5_conf(self) -> Path:
        """krb5.conf of the servers, and of clients in the realm of `kdc`: all realms, that of `kdc` the default."""
        path = self.kdc.directory / "servers.conf"
        if not path.exists():
            write_krb5_conf(path, [self.kdc, *self.trusted], trusts=self.trusts)
        return path

    @property
    def trusts(self) -> dict[str, str]:
        """For `write_krb5_conf`: the realms of users that are trusted here."""
        return {kdc.realm: self.kdc.realm for kdc in self.trusted}

    # -- users --------------------------------------------------------------------------------------------------

    def cache(self, principal: str) -> Path:
        """A ticket cache of a principal of any of the realms, valid for an hour, kept for later calls."""
        if principal not in self._caches:
            _, _, realm = principal.partition("@")
            kdc = next((kdc for kdc in self.trusted if kdc.realm == realm), self.kdc)
            self._caches[principal] = kdc.kinit(principal)
        return self._caches[principal]

    def as_user(self, name: str) -> dict[str, str]:
        """Environment variables that make a Java or hdfs-native client act as the principal `name`, by its ticket."""
        return self.with_cache(self.cache(name))

    def with_cache(self, cache: Path | None, krb5_conf: Path | None = None) -> dict[str, str]:
        """The environment for a ticket cache, None: without one; `krb5_conf`: of the client, if not that of here."""
        used = krb5_conf or self.krb5_conf
        return {
            "HADOOP_CONF_DIR": str(self.conf_dir),
            "KRB5_CONFIG": str(used),
            "KRB5CCNAME": str(cache or self.kdc.directory / "no-cache"),
            "JAVA_TOOL_OPTIONS": _java_krb5(used),
        }

    def token(self, user: str) -> str:
        """A delegation token of the user, as text, kept for later calls. The first call of a user takes 2 s or so."""
        if user not in self._tokens:
            tool = java_command(str(_TOKENS), self._classpath(self.conf_dir), self._scratch / "tmp")
            java, *rest = tool
            keytab = self.kdc.principal(user)
            printed = run_java([java, _java_krb5(self.krb5_conf), *rest, self.kdc.full(user), str(keytab)])
            self._tokens[user] = printed.split()[-1]
        return self._tokens[user]

    def _web_identity(self, user: str) -> dict[str, str]:
        return {"delegation": self.token(user)}

    # -- configuration ------------------------------------------------------------------------------------------

    def _secured(self, privacy: bool) -> dict[str, object]:
        service, web = f"{_SUPERUSER}/localhost", "HTTP/localhost"
        conf: dict[str, object] = {
            "hadoop.security.authentication": "kerberos",
            "hadoop.security.authorization": True,
            "hadoop.security.auth_to_local": "\n".join(f"RULE:[1:$1@$0](.*@{kdc.realm})s/@.*//" for kdc in self.trusted)
            + "\nDEFAULT",
            "hadoop.rpc.protection": "privacy" if privacy else "authentication",
            "dfs.block.access.token.enable": True,
            "dfs.encrypt.data.transfer": privacy,
            "dfs.data.transfer.protection": "privacy" if privacy else "authentication",
            # A DataNode on any free port, without TLS.
            "ignore.secure.ports.for.testing": True,
            "dfs.web.authentication.kerberos.principal": self.kdc.full(web),
            "dfs.web.authentication.kerberos.keytab": self.kdc.principal(web),
        }
        for role in ("namenode", "datanode"):
            conf[f"dfs.{role}.kerberos.principal"] = self.kdc.full(service)
            conf[f"dfs.{role}.keytab.file"] = self.kdc.principal(service)
        return conf


def _proxying(proxies: Sequence[str]) -> dict[str, object]:
    return {f"hadoop.proxyuser.{name}.{what}": "*" for name in proxies for what in ("hosts", "groups")}


def _java_krb5(conf: Path) -> str:
    return f"-Djava.security.krb5.conf={conf}"

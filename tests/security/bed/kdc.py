"""A Kerberos KDC as a process of its own, principals with keytabs, tickets, and one-way trust between two realms.

>>> with Kdc("ONPREM") as kdc:                              # doctest: +SKIP
...     kdc.principal("alice")                              # a keytab
...     kdc.kinit("alice", lifetime="10s")                  # a ticket cache, for KRB5CCNAME; KRB5_CONFIG is kdc.conf
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from spark_ext.bed import Daemon
from spark_ext.bed.component import Component
from spark_ext.bed.ports import free_port
from tests.security.bed.krb5_tools import krb5_tools

MASTER_PASSWORD = "master"


class Kdc(Component):
    """A running KDC of one realm on a port of 127.0.0.1, as a context manager.

    realm: its name, such as `ONPREM`.
    environment: further environment of the KDC's process, such as a preload that shifts its clock.

    A principal is written without or with the realm.
    """

    def __init__(self, realm: str, environment: Mapping[str, str] | None = None):
        super().__init__("kdc")
        self.realm = realm
        self.port = free_port()
        self._environment = dict(environment or {})
        self._tools = krb5_tools()
        self._serial = itertools.count()
        self._keytabs: dict[str, Path] = {}

    @property
    def directory(self) -> Path:
        """Its database, keytabs and ticket caches."""
        return self._scratch

    @property
    def conf(self) -> Path:
        """A krb5.conf that knows this realm alone."""
        return self.directory / "krb5.conf"

    def full(self, principal: str) -> str:
        """The principal with its realm."""
        return principal if "@" in principal else f"{principal}@{self.realm}"

    def principal(self, name: str) -> Path:
        """The keytab of a principal, such as `alice` or `hdfs/localhost`, which is made where it is not there yet."""
        full = self.full(name)
        if full not in self._keytabs:
            keytab = self.directory / f"{full.replace('/', '_')}.keytab"
            self._admin(f"addprinc -randkey {full}", f"ktadd -k {keytab} -norandkey {full}")
            self._keytabs[full] = keytab
        return self._keytabs[full]

    def kinit(self, name: str, lifetime: str = "1h", cache: Path | None = None, conf: Path | None = None) -> Path:
        """A ticket of the principal for `lifetime`; returns its cache.

        cache: where it is put, over what is there; default: a new one.
        conf: the krb5.conf to use; default: the KDC's own.
        """
        keytab, cache = self.principal(name), cache or self.directory / f"cache-{next(self._serial)}"
        arguments = ["-k", "-t", str(keytab), "-c", str(cache), "-l", lifetime]
        self._tools.run("kinit", *arguments, self.full(name), environment={"KRB5_CONFIG": str(conf or self.conf)})
        return cache

    def _admin(self, *commands: str) -> None:
        """Run commands of kadmin.local; BedError when one fails."""
        for command in commands:
            self._tools.run("kadmin.local", "-r", self.realm, "-q", command, environment=self._locations)

    @property
    def _locations(self) -> dict[str, str]:
        return {"KRB5_CONFIG": str(self.conf), "KRB5_KDC_PROFILE": str(self.directory / "kdc.conf")}

    def _start(self) -> None:
        write_krb5_conf(self.conf, [self])
        (self.directory / "kdc.conf").write_text(self._kdc_conf())
        self._tools.run(
            "kdb5_util", "create", "-s", "-r", self.realm, "-P", MASTER_PASSWORD, environment=self._locations
        )
        environment = {**self._tools.environment, **self._locations, **self._environment}
        assigned = [f"{name}={value}" for name, value in environment.items()]
        # The name `env` is looked up here, because a Daemon's command is a path.
        command = [str(shutil.which("env")), *assigned, self._tools.paths["krb5kdc"], "-n", "-r", self.realm]
        daemon = Daemon(f"KDC of {self.realm}", command, self.directory / "log", "commencing operation")
        self._serve(daemon)

    def _kdc_conf(self) -> str:
        database = self.directory / "principal"
        modules = f"db_module_dir = {self._tools.plugins}" if self._tools.plugins else ""
        return f"""
[kdcdefaults]
    kdc_listen = ""
    kdc_tcp_listen = 127.0.0.1:{self.port}
[realms]
    {self.realm} = {{
        database_name = {database}
        key_stash_file = {self.directory / "stash"}
        acl_file = {self.directory / "acl"}
        max_life = 1d
        max_renewable_life = 7d
        supported_enctypes = aes256-cts:normal
    }}
[dbmodules]
    {modules}
[logging]
    kdc = STDERR
"""


def write_krb5_conf(
    path: Path,
    kdcs: Sequence[Kdc],
    services: Kdc | None = None,
    trusts: Mapping[str, str] | None = None,
    lines: Sequence[str] = (),
) -> Path:
    """Write a krb5.conf that knows these KDCs; the first one's realm is the default. Returns the path.

    services: the realm of the services on this host; default: the default realm.
    trusts: realms of users, each with the realm of services that trusts it.
    lines: further lines of [libdefaults], such as `clockskew = 2`.
    """
    realms = "".join(f"    {kdc.realm} = {{\n        kdc = 127.0.0.1:{kdc.port}\n    }}\n" for kdc in kdcs)
    hosts = "".join(f"    {host} = {(services or kdcs[0]).realm}\n" for host in ("localhost", "127.0.0.1"))
    capaths = "".join(f"    {of} = {{\n        {to} = .\n    }}\n" for of, to in (trusts or {}).items())
    further = "".join(f"    {line}\n" for line in lines)
    # No name is looked up, so that the host's DNS has no say; a cache that is not there: never the host's own ticket.
    path.write_text(f"""
[libdefaults]
    default_realm = {kdcs[0].realm}
    dns_lookup_realm = false
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
    forwardable = true
    default_ccache_name = FILE:{path.parent / "no-cache"}
{further}
[realms]
{realms}
[domain_realm]
{hosts}
[capaths]
{capaths}
""")
    return path


def trust(users: Kdc, services: Kdc) -> None:
    """Let the principals of `users` use the services of `services`, and not the other way round.

    Who does so needs a krb5.conf of both: `write_krb5_conf(..., [users, services], services, {users.realm:
    services.realm})`.
    """
    # One password in both databases gives both the same key.
    password = os.urandom(16).hex()
    for kdc in (users, services):
        kdc._admin(f"addprinc -pw {password} krbtgt/{services.realm}@{users.realm}")

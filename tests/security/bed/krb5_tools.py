"""MIT Kerberos' programs: those that are installed, else Debian's packages unpacked once per user, without root."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spark_ext.bed import BedError
from spark_ext.bed.cache import cached

PROGRAMS = ("krb5kdc", "kadmin.local", "kdb5_util", "kinit", "klist", "kdestroy")
PACKAGES = (
    *("krb5-kdc", "krb5-admin-server", "krb5-user", "libkadm5clnt-mit12", "libkadm5srv-mit12", "libkdb5-10"),
    *("libgssrpc4", "libverto1", "libverto-libev1", "libev4"),
)
_ADVICE = (
    "install MIT Kerberos: krb5-kdc, krb5-admin-server and krb5-user on Debian and Ubuntu, krb5-server and "
    "krb5-workstation on Red Hat"
)


@dataclass(frozen=True)
class Krb5Tools:
    """paths: of each of PROGRAMS. environment: what they need. plugins: directory of databases, None if built in."""

    paths: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)
    plugins: Path | None = None

    def run(self, program: str, *arguments: str, given: str = "", environment: Mapping[str, str] | None = None) -> str:
        """Run one of PROGRAMS with `given` as its input; returns its output. BedError with its words when it fails."""
        run = subprocess.run(
            [self.paths[program], *arguments],
            env={**os.environ, **self.environment, **(environment or {})},
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if run.returncode != 0:
            raise BedError(f"{program} {' '.join(arguments)} ended with {run.returncode}:\n{run.stdout}{run.stderr}")
        return run.stdout + run.stderr


@functools.cache
def krb5_tools() -> Krb5Tools:
    """The programs of this host, else of the user's cache; BedError, naming the packages, when there is neither."""
    installed = _find(f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if installed is not None:
        return Krb5Tools(installed)
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise BedError(f"no {', '.join(PROGRAMS)} on PATH or in /usr/sbin: {_ADVICE}")
    name = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:16]
    return _unpacked(cached(f"krb5-{name}", _fetch))


def _find(path: str) -> dict[str, str] | None:
    found = {program: shutil.which(program, path=path) for program in PROGRAMS}
    return {program: at for program, at in found.items() if at is not None} if all(found.values()) else None


def _unpacked(tree: Path) -> Krb5Tools:
    programs = _find(f"{tree}/usr/bin:{tree}/usr/sbin")
    plugins = next(tree.glob("usr/lib/**/krb5/plugins/kdb"), None)
    if programs is None or plugins is None:
        raise BedError(f"{tree} is not complete: remove it, so that it is fetched anew, or {_ADVICE}")
    return Krb5Tools(programs, {"LD_LIBRARY_PATH": str(plugins.parents[2])}, plugins)


def _fetch(into: Path) -> None:
    packages = into.with_name("packages")
    packages.mkdir()
    _run(["apt-get", "download", *PACKAGES], packages)
    for package in sorted(packages.glob("*.deb")):
        _run(["dpkg", "-x", str(package), str(into)], packages)


def _run(command: list[str], directory: Path) -> None:
    run = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=300, check=False)
    if run.returncode != 0:
        raise BedError(f"{' '.join(command)} failed: {_ADVICE}. It said:\n{(run.stdout + run.stderr)[-2000:]}")

"""Who reads an HDFS from Python: the short name that owns a domain, and the name in an audit line."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

from hybridfs.errors import BadOption
from hybridfs.origin import ticket_cache
from hybridfs.values import parse_user


def is_kerberos(properties: Mapping[str, str]) -> bool:
    """Whether tickets or tokens say who the user is, not his own word."""
    return properties.get("hadoop.security.authentication", "simple").lower() not in ("simple", "")


def local_user() -> str:
    """The name of the process's user on this host."""
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def short_name(given: str, properties: Mapping[str, str]) -> str:
    """The short name by which the NameNode knows the effective user; ``given`` is the option ``user``.

    Raises BadOption where it cannot be known (under Kerberos a principal, or a token, is not a name), or where it is
    another than the one that the NameNode will be told.
    """
    proxied = os.environ.get("HADOOP_PROXY_USER")
    told = proxied or (None if is_kerberos(properties) else os.environ.get("HADOOP_USER_NAME") or local_user())
    if told is None and not given:
        raise BadOption(
            "option user: authorize=fill needs the short name by which the NameNode knows this process under "
            "Kerberos, as in user=alice: a principal is none, alice@CLOUD and alice@ONPREM may be one user or two"
        )
    if told and given and told != given and not set("@/") & set(told):
        raise BadOption(
            f"option user: {given!r} was given, but this process is {told!r} to the NameNode; leave user out, or set "
            f"{'HADOOP_PROXY_USER' if proxied else 'HADOOP_USER_NAME'}={given}"
        )
    try:
        return parse_user(given or told)
    except BadOption as bad:
        raise BadOption(f"option user: {bad}; name it with user=") from None


def audit_name(given: str, kerberos: Mapping[str, str], properties: Mapping[str, str]) -> str:
    """``alice (auth:KERBEROS)``: the effective user, and how the process, which may act for him, shows who it is.

    ``given``: the option ``user``; ``kerberos``: what was given to log in by. A user whom nothing but his ticket names
    goes by his principal; one whom only a token names by ``?``.
    """
    proxied = os.environ.get("HADOOP_PROXY_USER")
    if not is_kerberos(properties):
        return f"{proxied or os.environ.get('HADOOP_USER_NAME') or local_user()} (auth:SIMPLE)"
    if "HADOOP_TOKEN_FILE_LOCATION" in os.environ and not kerberos:
        return f"{proxied or given or '?'} (auth:TOKEN)"
    principal = kerberos.get("kerberos_principal") or ticket_cache.principal()
    return f"{proxied or given or principal or '?'} (auth:KERBEROS)"

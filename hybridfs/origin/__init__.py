"""Where the data comes from: HDFS, or any fsspec filesystem."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from hybridfs.origin import kerberos, ticket_cache
from hybridfs.origin.base import Origin


def make_origin(
    protocol: str, options: Mapping[str, Any], fs: Any = None, *, alone: bool = False, user: str = ""
) -> Origin:
    """The origin for an fsspec protocol and its options, or for a given fsspec filesystem.

    ``alone``, ``user``: whether the blocks are of one user (authorize=fill), and his short name. Raises BadOption.
    """
    if protocol == "hdfs" and fs is None:
        from hybridfs.origin.hdfs import HdfsOrigin

        rest = {name: value for name, value in options.items() if name not in kerberos.OPTIONS}
        return HdfsOrigin(alone=alone, user=user, kerberos=kerberos.credentials(options), **rest)
    from hybridfs.origin.generic import GenericOrigin

    return GenericOrigin(protocol, dict(options), fs, alone=alone, user=user)


def identity_of_caller() -> tuple[str | None, ...]:
    """What decides which user an origin sees; origins and what they granted are never shared across it."""
    names = ("HADOOP_USER_NAME", "HADOOP_PROXY_USER", "HADOOP_TOKEN_FILE_LOCATION", "KRB5CCNAME", "KRB5_CLIENT_KTNAME")
    places = ("KRB5_CONFIG", "HADOOP_CONF_DIR", "HADOOP_HOME")
    told = (os.environ.get(name) for name in names + places)
    return (str(os.getpid()), str(os.geteuid()), ticket_cache.principal(), *told)

"""Where the data comes from: HDFS, or any fsspec filesystem."""

from __future__ import annotations

import os
from typing import Any

from hybridfs.origin.base import Origin


def make_origin(protocol: str, options: dict[str, Any], fs: Any = None) -> Origin:
    """The origin for an fsspec protocol and its options, or for a given fsspec filesystem."""
    if protocol == "hdfs" and fs is None:
        from hybridfs.origin.hdfs import HdfsOrigin

        return HdfsOrigin(**options)
    from hybridfs.origin.generic import GenericOrigin

    return GenericOrigin(protocol, options, fs)


def identity_of_caller() -> tuple[str | None, ...]:
    """What decides which user an origin sees; origins and what they granted are never shared across it."""
    names = ("HADOOP_USER_NAME", "HADOOP_PROXY_USER", "KRB5CCNAME", "HADOOP_CONF_DIR", "HADOOP_HOME")
    return (str(os.getpid()), str(os.geteuid()), *(os.environ.get(name) for name in names))

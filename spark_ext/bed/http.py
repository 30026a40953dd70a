"""The HTTP side of HDFS daemons: metrics and WebHDFS."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from spark_ext.bed.place import Place
from spark_ext.bed.tools import BedError

Json = dict[str, Any]

# Daemons are on this host, if in a namespace of it: a proxy of the environment must not be asked for them.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def jmx(at: Place, port: int, query: str) -> list[Json]:
    """The MBeans of the daemon on that port that match `query` (an ObjectName pattern)."""
    answer: Json = json.loads(_request(at, "GET", f"http://{at.address}:{port}/jmx?qry={urllib.parse.quote(query)}"))
    beans: list[Json] = answer["beans"]
    return beans


def webhdfs(at: Place, port: int, method: str, path: str, **parameters: object) -> Json:
    """One WebHDFS call on a NameNode's `port`, such as `op="MKDIRS"`, `user.name` among them; returns its JSON."""
    query = urllib.parse.urlencode(parameters)
    body = _request(at, method, f"http://{at.address}:{port}/webhdfs/v1{urllib.parse.quote(path)}?{query}")
    return json.loads(body) if body else {}


def send(at: Place, url: str, data: bytes) -> None:
    """PUT `data`, such as a file to the location that WebHDFS named for it."""
    _request(at, "PUT", url, data)


def _request(at: Place, method: str, url: str, data: bytes | None = None) -> bytes:
    try:
        with at.entered(), _opener.open(urllib.request.Request(url, data, method=method), timeout=30) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        raise BedError(f"{method} {url} answered {error.code}: {error.read().decode(errors='replace')}") from None

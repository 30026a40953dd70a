"""What clients asked of the NameNodes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from spark_ext.bed.hdfs import Hdfs

# What DataNodes call and the bed itself: readers do not.
_OTHERS = re.compile(
    r"SendHeartbeat|BlockReport|.*BlockReport|BlockReceived.*|RegisterDatanode|VersionRequest|CommitBlock.*"
)


@contextmanager
def calls(hdfs: Hdfs) -> Iterator[dict[str, int]]:
    """Afterwards: the calls that clients made inside, by method, such as `{"GetListing": 10}`."""
    found: dict[str, int] = {}
    before = hdfs.rpc_counts()
    yield found
    after = hdfs.rpc_counts()
    grown = {name: number - before.get(name, 0) for name, number in after.items()}
    found.update({name: number for name, number in grown.items() if number and not _OTHERS.fullmatch(name)})

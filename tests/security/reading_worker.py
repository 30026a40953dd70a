"""A Spark driver that gives digests of whole files: `reading_worker.py SOCKET`."""

from __future__ import annotations

from tests.spark import worker
from tests.spark.worker import session


def digest(url: str) -> str:
    """SHA-256 of the bytes of a file, in hexadecimal."""
    frame = session().read.format("binaryFile").load(url).selectExpr("sha2(content, 256) AS sum")
    return str(frame.collect()[0].sum)


COMMANDS = {**worker.COMMANDS, "digest": digest}


if __name__ == "__main__":
    worker.main(COMMANDS)

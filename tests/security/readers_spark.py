"""A Spark driver that reads through the jar and, beside it, by Hadoop's own class: `readers_spark.py JSON`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from pyspark.sql import DataFrame, SparkSession

import spark_ext
from hybridfs.config import OPTIONS
from tests.security.readers_serve import attempt, serve

_LEAN = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -Djava.net.preferIPv4Stack=true"
_PLAIN = "org.apache.hadoop.hdfs.DistributedFileSystem"
_VERDICTS = (
    ("denied", ("AccessControlException", "Permission denied")),
    ("missing", ("FileNotFoundException", "PATH_NOT_FOUND", "File does not exist")),
)


def _verdict(error: Exception) -> str:
    return next((name for name, words in _VERDICTS if any(word in str(error) for word in words)), "failed")


def session(conf: dict[str, str], java_options: str, options: dict[str, Any]) -> SparkSession:
    """A small session with the cache."""
    small = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "512m",
        "spark.driver.extraJavaOptions": f"{_LEAN} {java_options}",
        "spark.sql.shuffle.partitions": "1",
        "spark.log.level": "FATAL",
    }
    builder = SparkSession.builder.master("local[1]").config(map=small | conf)
    return spark_ext.configure(builder, **options).getOrCreate()


class Reader:
    """One user's reads of one HDFS through one root. Frames and statuses are kept, as a long query keeps them."""

    def __init__(self, authority: str, spark: SparkSession) -> None:
        self._url = f"hdfs://{authority}"
        self._spark = spark
        self._jvm: Any = spark.sparkContext._jvm
        self._conf: Any = spark.sparkContext._jsc.hadoopConfiguration()
        plain = self._jvm.org.apache.hadoop.conf.Configuration(self._conf)
        plain.set("fs.hdfs.impl", _PLAIN)
        self._plain = self._jvm.org.apache.hadoop.fs.FileSystem.newInstance(self._jvm.java.net.URI(self._url), plain)
        self._frames: dict[str, DataFrame] = {}
        self._statuses: dict[str, Any] = {}

    def freshness(self, value: str | None) -> None:
        """Of what is opened from now on; None: the default.

        File systems read it when they are made: those that exist are closed, and what used them is forgotten.
        """
        key = OPTIONS["freshness"].hadoop_key
        self._conf.unset(key) if value is None else self._conf.set(key, value)
        self._jvm.org.apache.hadoop.fs.FileSystem.closeAll()
        self._plain = self._jvm.org.apache.hadoop.fs.FileSystem.newInstance(
            self._jvm.java.net.URI(self._url), self._plain.getConf()
        )
        self._frames.clear()
        self._statuses.clear()

    def read(self, path: str, ways: Sequence[str] = ()) -> dict[str, Any]:
        """What each of the ways gave: of `parquet` the column that is text, of others the file's bytes."""
        form = "parquet" if path.endswith(".parquet") else "text"
        ways = ways or (form, "binary", "status", "open")
        return {way: attempt(lambda way=way: self._ways[way](self, path), _verdict) for way in ways}

    def read_with(self, path: str, options: dict[str, Any]) -> dict[str, Any]:
        """What a file system of its own with other options gives, in this JVM."""
        return attempt(lambda: self._by_another(path, options), _verdict)

    def plain(self, path: str) -> dict[str, Any]:
        """What HDFS says without the cache."""
        return attempt(lambda: self._bytes(self._plain.open(self._path(path))), _verdict)

    def stats(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self._jvm.io.hybridfs.Stats.snapshot())
        return found

    def _path(self, path: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(self._url + path)

    def _bytes(self, stream: Any) -> bytes:
        try:
            return bytes(self._jvm.org.apache.commons.io.IOUtils.toByteArray(stream))
        finally:
            stream.close()

    def _by_another(self, path: str, options: dict[str, Any]) -> bytes:
        conf = self._jvm.org.apache.hadoop.conf.Configuration(self._conf)
        for name, value in options.items():
            conf.set(OPTIONS[name].hadoop_key, value)
        made = self._jvm.org.apache.hadoop.fs.FileSystem.newInstance(self._jvm.java.net.URI(self._url), conf)
        try:
            return self._bytes(made.open(self._path(path)))
        finally:
            made.close()

    def _frame(self, form: str, path: str) -> list[Any]:
        """The rows of a frame that lists its files once, when it is first made."""
        if path not in self._frames:
            self._frames[path] = self._spark.read.format(form).load(self._url + path)
        return self._frames[path].collect()

    def _text(self, path: str) -> bytes:
        return "".join(f"{row.value}\n" for row in self._frame("text", path)).encode()

    def _parquet(self, path: str) -> bytes:
        return "".join(f"{row.text}\n" for row in self._frame("parquet", path)).encode()

    def _binary(self, path: str) -> bytes:
        return bytes(self._spark.read.format("binaryFile").load(self._url + path).collect()[0].content)

    def _status(self, path: str) -> bytes:
        """By `openFile`, with the status of when this was first called."""
        file_system = self._path(path).getFileSystem(self._conf)
        if path not in self._statuses:
            self._statuses[path] = file_system.getFileStatus(self._path(path))
        return self._bytes(file_system.openFile(self._path(path)).withFileStatus(self._statuses[path]).build().get())

    def _open(self, path: str) -> bytes:
        return self._bytes(self._path(path).getFileSystem(self._conf).open(self._path(path)))

    _ways: ClassVar[dict[str, Callable[[Reader, str], bytes]]] = {
        "text": _text,
        "parquet": _parquet,
        "binary": _binary,
        "status": _status,
        "open": _open,
    }


def main(authority: str, options: dict[str, Any], conf: dict[str, str], java_options: str) -> None:
    reader = Reader(authority, session(conf, java_options, options))
    serve(
        {
            "freshness": reader.freshness,
            "read": reader.read,
            "read_with": reader.read_with,
            "plain": reader.plain,
            "stats": reader.stats,
        }
    )


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))

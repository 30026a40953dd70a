"""How a directory was last listed by the driver of a Spark application."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from spark_ext.session import require_hybridfs

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def explain_listing(spark: SparkSession, path: str) -> dict[str, Any] | None:
    """How the driver got its last listing of a directory; None if it has not listed it, or long ago.

    Args:
        spark: a session with hybridfs.
        path: the directory, as a URL or as a path of the default file system.

    Returns:
        mode: the option `listings` as it held.
        source: `origin` (the NameNode was asked for this), `entry` (from the root) or `prefetched` (it was asked for
            ahead, in a scan).
        age: seconds from the question to the NameNode until the answer was given.
        rpcs: answers of the NameNode that this listing itself took.
        rpcs_plain: those that plain HDFS would have taken.
        when: it was given, in seconds since the epoch.

    Raises:
        SparkSetupError: the session has no hybridfs, or is a Spark Connect one.
    """
    require_hybridfs(spark)
    context = spark.sparkContext
    jvm: Any = context._jvm
    directory = jvm.org.apache.hadoop.fs.Path(path)
    url = directory.getFileSystem(context._jsc.hadoopConfiguration()).makeQualified(directory).toString()
    found: dict[str, Any] | None = json.loads(jvm.io.hybridfs.Explain.listing(url))
    return found

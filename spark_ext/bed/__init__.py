"""Real HDFS and Hive Metastore for tests and the demo, each role a process of its own.

>>> with Hdfs() as hdfs, Metastore(hdfs) as metastore:      # doctest: +SKIP
...     print(hdfs.url, metastore.uri)

Needs a JDK (17 or newer) and Maven or the Maven wrapper; the servers' jars are fetched once per user.
Everything that was started ends with the context, and with the process if that is killed.
"""

from spark_ext.bed.daemon import BedError, Daemon
from spark_ext.bed.hdfs import Hdfs, Served
from spark_ext.bed.link import Crossed, Link
from spark_ext.bed.metastore import Metastore
from spark_ext.bed.place import HERE, Place

__all__ = ["HERE", "BedError", "Crossed", "Daemon", "Hdfs", "Link", "Metastore", "Place", "Served"]

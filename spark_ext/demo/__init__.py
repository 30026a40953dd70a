"""`hybridfs demo`: TPC-H on a real HDFS and Hive Metastore, with and without the cache."""

from spark_ext.demo.command import demo

__all__ = ["demo"]

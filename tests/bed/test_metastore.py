"""The metastore is a process of its own that Spark reaches by Thrift; `dump` shows all that it holds."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession


@pytest.fixture
def spark(spark_conf):
    builder = SparkSession.builder
    for name, value in spark_conf.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


def test_dump_shows_tables_partitions_and_serde_parameters(spark, metastore, hdfs, hdfs_dir):
    elsewhere = f"{hdfs_dir}/elsewhere"
    try:
        spark.sql("CREATE DATABASE shown")
        spark.sql("CREATE TABLE shown.native USING parquet PARTITIONED BY (p) AS SELECT id, id % 2 p FROM range(4)")
        spark.sql(f"CREATE TABLE shown.away (x INT) STORED AS ORC LOCATION '{elsewhere}'")
        assert spark.sql("SELECT sum(id) FROM shown.native WHERE p = 1").first()[0] == 4
        base = f"{metastore.warehouse}/shown.db"
        held = metastore.uris()
        assert {base, f"{base}/native", f"{base}/native/p=0", f"{base}/native/p=1", elsewhere} <= held
        assert {uri for uri in held if not uri.startswith(hdfs.url)} == set()
    finally:
        spark.sql("DROP DATABASE IF EXISTS shown CASCADE")

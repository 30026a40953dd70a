"""What `hybridfs demo --keep` leaves to play with."""

from __future__ import annotations

from rich.console import Console

from spark_ext.demo.scenario import Scenario
from spark_ext.demo.spark_worker import DATABASE

_SNIPPET = """
import pandas as pd
from pyspark.sql import SparkSession
import spark_ext

options = {options}
builder = SparkSession.builder
for name, value in {conf}.items():
    builder = builder.config(name, value)
spark = spark_ext.configure(builder, **options).getOrCreate()

spark.sql("SELECT l_shipmode, count(*), sum(l_tax) FROM {database}.lineitem GROUP BY l_shipmode").show()
print(spark_ext.status(spark))

url = spark.table("{database}.customer").inputFiles()[0]
pd.read_parquet(f"hybridfs::{{url}}", storage_options=options)
"""


def show(scenario: Scenario, console: Console) -> None:
    """Print the URLs of what runs and code to paste, unwrapped."""
    console.print("\n[bold]Running until Ctrl-C[/]")
    console.print(f"HDFS       {scenario.hdfs.url}   (HADOOP_CONF_DIR={scenario.hdfs.conf_dir})", soft_wrap=True)
    console.print(f"Metastore  {scenario.metastore.uri}", soft_wrap=True)
    console.print(f"Warehouse  {scenario.metastore.warehouse}", soft_wrap=True)
    if scenario.link:
        start = " ".join(scenario.near(["jupyter", "lab"]))
        console.print(
            f"Near end   {scenario.near.address}   (SPARK_LOCAL_IP; start a notebook there: {start})", soft_wrap=True
        )
    console.print(f"Cache      {scenario.options['cache_dir']}\n\nIn a notebook:", soft_wrap=True)
    snippet = _SNIPPET.format(options=dict(scenario.options), conf=_few(scenario), database=DATABASE)
    console.print(snippet, soft_wrap=True, markup=False, highlight=False)


def _few(scenario: Scenario) -> str:
    """The Spark properties, one a line."""
    lines = [f"    {name!r}: {value!r},\n" for name, value in scenario.spark_conf().items()]
    return "{\n" + "".join(lines) + "}"

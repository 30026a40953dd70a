"""Spark through the cache of hybridfs: `configure` a session, `attach` to one, see its `status`, `explain_listing`."""

from spark_ext.counters import Status, status
from spark_ext.explain import explain_listing
from spark_ext.jar import SparkSetupError
from spark_ext.session import attach, conf, configure

__all__ = ["SparkSetupError", "Status", "attach", "conf", "configure", "explain_listing", "status"]

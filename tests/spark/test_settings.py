"""How our Spark properties join those that are there; no JVM is started."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import fsspec.config
import pyspark
import pytest
from pyspark.sql import SparkSession

import spark_ext
from hybridfs import HybridFileSystem
from hybridfs.errors import BadOption
from spark_ext import SparkSetupError, jar, settings

APPLICATION = "spark.hadoop.fs.hybridfs.application"
SHIM = "io.hybridfs.HybridFileSystem"
THRESHOLD = "spark.sql.sources.parallelPartitionDiscovery.threshold"
ONLY_THE_DRIVER = str(2**31 - 1)


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jar: Path) -> None:
    """No Spark configuration but the test's own, no JVM that another test has started; the jar is there."""
    for name in ("PYSPARK_SUBMIT_ARGS", "SPARK_HOME", "SPARK_REMOTE", "SPARK_API_MODE", "HADOOP_CONF_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    monkeypatch.setattr(pyspark.SparkContext, "_gateway", None)
    monkeypatch.setattr(pyspark.SparkContext, "_active_spark_context", None)
    monkeypatch.setattr("fsspec.config.conf", {})  # options are lent to the driver's own Python
    monkeypatch.setattr("spark_ext.driver_options._lent", {})


def built(builder: SparkSession.Builder) -> dict[str, str]:
    return dict(builder._options)


def test_configure_sets_what_spark_needs(jar: Path) -> None:
    options = {"cache_dir": "/ssd/cache", "disk": "200GiB", "enabled": True, "exclude": ["/tmp/", "**.tmp"]}
    conf = built(spark_ext.configure(SparkSession.builder, **options))
    application = conf.pop(APPLICATION)
    assert re.fullmatch(r"spark-[0-9a-f]{8}-[0-9a-f-]{27}", application)
    environment = {name: conf.pop(name) for name in list(conf) if name.startswith("spark.executorEnv.")}
    assert environment == {
        "spark.executorEnv.FSSPEC_HYBRIDFS_CACHE_DIR": "/ssd/cache",
        "spark.executorEnv.FSSPEC_HYBRIDFS_DISK": "200GiB",
        "spark.executorEnv.FSSPEC_HYBRIDFS_ENABLED": "true",
        "spark.executorEnv.FSSPEC_HYBRIDFS_EXCLUDE": "/tmp/,**.tmp",
        "spark.executorEnv.FSSPEC_HYBRIDFS_APPLICATION": application,
    }
    assert conf == {
        "spark.jars": str(jar),
        "spark.driver.extraClassPath": str(jar),
        "spark.executor.extraClassPath": str(jar),
        "spark.hadoop.fs.hdfs.impl": SHIM,
        "spark.hadoop.fs.hybridfs.impl": SHIM,
        "spark.hadoop.fs.hybridfs.cache.dir": "/ssd/cache",
        "spark.hadoop.fs.hybridfs.disk": "200GiB",
        "spark.hadoop.fs.hybridfs.enabled": "true",
        "spark.hadoop.fs.hybridfs.exclude": "/tmp/,**.tmp",
        THRESHOLD: ONLY_THE_DRIVER,
    }


@pytest.mark.parametrize("options", [{}, {"listings": "validated"}, {"listings": "bounded"}])
def test_the_driver_lists_where_listings_are_cached(options: dict[str, Any]) -> None:
    assert built(spark_ext.configure(SparkSession.builder, **options))[THRESHOLD] == ONLY_THE_DRIVER
    assert spark_ext.conf(**options)[THRESHOLD] == ONLY_THE_DRIVER


@pytest.mark.parametrize("options", [{"listings": "origin"}, {"freshness": "0"}, {"enabled": "false"}])
def test_spark_lists_as_ever_where_they_are_not(options: dict[str, Any], tmp_path: Path) -> None:
    assert THRESHOLD not in built(spark_ext.configure(SparkSession.Builder(), **options))
    assert THRESHOLD not in spark_ext.conf(**options)
    lines = [f"spark.hadoop.fs.hybridfs.{name} {value}\n" for name, value in options.items()]
    (tmp_path / "spark-defaults.conf").write_text("".join(lines))
    assert THRESHOLD not in built(spark_ext.configure(SparkSession.Builder()))


def test_who_sets_how_spark_lists_keeps_it(tmp_path: Path) -> None:
    builder = SparkSession.Builder().config(THRESHOLD, "7")
    assert built(spark_ext.configure(builder))[THRESHOLD] == "7"
    (tmp_path / "spark-defaults.conf").write_text(f"{THRESHOLD} 8\n")
    assert built(spark_ext.configure(SparkSession.Builder()))[THRESHOLD] == "8"


def test_a_mode_of_listings_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match=r"option listings: .*'stale'.*bounded"):
        spark_ext.configure(SparkSession.Builder(), listings="stale")
    (tmp_path / "spark-defaults.conf").write_text("spark.hadoop.fs.hybridfs.listings stale\n")
    with pytest.raises(BadOption, match=r"option listings: .*'stale'.*bounded"):
        spark_ext.configure(SparkSession.Builder())


def test_each_application_has_a_name_of_its_own() -> None:
    names = [built(spark_ext.configure(SparkSession.builder))[APPLICATION] for _ in range(2)]
    assert names[0] != names[1]
    assert built(spark_ext.configure(SparkSession.builder, application="nightly"))[APPLICATION] == "nightly"
    assert built(spark_ext.configure(SparkSession.builder, application=""))[APPLICATION] == "", (
        "each process for itself"
    )
    given = SparkSession.builder.config(APPLICATION, "theirs")
    assert built(spark_ext.configure(given))[APPLICATION] == "theirs"
    assert APPLICATION not in spark_ext.conf(), "all applications would share it"


def test_configure_adds_to_what_the_builder_has(jar: Path) -> None:
    builder = SparkSession.builder.config(
        map={
            "spark.jars": "/a.jar,/b.jar",
            "spark.driver.extraClassPath": "/x:/y",
            "spark.executor.extraClassPath": "/z",
            "spark.hadoop.fs.hdfs.impl": "org.apache.hadoop.hdfs.DistributedFileSystem",
            "spark.sql.shuffle.partitions": "7",
        }
    )
    conf = built(spark_ext.configure(builder))
    assert conf["spark.jars"] == f"/a.jar,/b.jar,{jar}"
    assert conf["spark.driver.extraClassPath"] == f"/x:/y:{jar}"
    assert conf["spark.executor.extraClassPath"] == f"/z:{jar}"
    assert conf["spark.hadoop.fs.hdfs.impl"] == SHIM
    assert conf["spark.sql.shuffle.partitions"] == "7"


def test_configure_twice_changes_nothing() -> None:
    builder = spark_ext.configure(SparkSession.builder, disk="1GiB")
    once = built(builder)
    assert built(spark_ext.configure(builder, disk="1GiB")) == once


def test_configure_adds_to_spark_defaults(jar: Path, tmp_path: Path) -> None:
    (tmp_path / "spark-defaults.conf").write_text(
        "# ours\nspark.jars   /c.jar\nspark.driver.extraClassPath=/d\n\nspark.master: yarn\n"
    )
    conf = built(spark_ext.configure(SparkSession.builder))
    assert conf["spark.jars"] == f"/c.jar,{jar}"
    assert conf["spark.driver.extraClassPath"] == f"/d:{jar}:hybridfs.jar", "YARN's containers have it by its name"
    assert "spark.master" not in conf


def test_configure_adds_to_the_command_line(jar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--jars /e.jar --conf 'spark.executor.extraClassPath=/f g' pyspark-shell")
    conf = built(spark_ext.configure(SparkSession.builder))
    assert conf["spark.jars"] == f"/e.jar,{jar}"
    assert conf["spark.executor.extraClassPath"] == f"/f g:{jar}"


def test_builder_goes_before_command_line_and_defaults(
    jar: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "spark-defaults.conf").write_text("spark.jars /c.jar\n")
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--jars=/e.jar pyspark-shell")
    conf = built(spark_ext.configure(SparkSession.builder.config("spark.jars", "/b.jar")))
    assert conf["spark.jars"] == f"/b.jar,{jar}"


def test_properties_file_of_the_command_line_replaces_the_defaults(
    jar: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "spark-defaults.conf").write_text("spark.jars /c.jar\n")
    (tmp_path / "other.conf").write_text("spark.jars /o.jar\n")
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", f"--properties-file {tmp_path / 'other.conf'} pyspark-shell")
    assert built(spark_ext.configure(SparkSession.builder))["spark.jars"] == f"/o.jar,{jar}"


def test_a_class_path_that_the_command_line_would_hide_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--driver-class-path /own pyspark-shell")
    with pytest.raises(SparkSetupError, match=r"PYSPARK_SUBMIT_ARGS sets spark\.driver\.extraClassPath to /own"):
        spark_ext.configure(SparkSession.builder)


def test_environment_options_reach_executors(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"hybridfs": {"cache_dir": "/env/cache", "freshness": "5s", "skip_instance_cache": True}}
    monkeypatch.setattr("fsspec.config.conf", given)
    conf = built(spark_ext.configure(SparkSession.builder, freshness="7s"))
    assert conf["spark.hadoop.fs.hybridfs.cache.dir"] == "/env/cache"
    assert conf["spark.hadoop.fs.hybridfs.freshness"] == "7s"


def test_python_has_the_options_of_the_session() -> None:
    """Also those of Python alone, and those that stand in Spark's configuration; not where it has others."""
    builder = SparkSession.builder.config("spark.hadoop.fs.hybridfs.user", "alice").config(
        "spark.executorEnv.FSSPEC_HYBRIDFS_FRESHNESS", "0"
    )
    conf = built(spark_ext.configure(builder, authorize="fill", freshness="5s", map_budget="1MiB"))
    names = {"USER": "alice", "AUTHORIZE": "fill", "FRESHNESS": "0", "MAP_BUDGET": "1048576"}
    assert {name: conf[f"spark.executorEnv.FSSPEC_HYBRIDFS_{name}"] for name in names} == names
    assert conf["spark.hadoop.fs.hybridfs.freshness"] == "5s"
    fs = HybridFileSystem(target_protocol="memory", skip_instance_cache=True)
    assert (fs._settings.user, fs._settings.authorize) == ("alice", "fill")


def test_on_yarn_python_workers_find_the_cluster() -> None:
    """By the configuration that Spark puts into a container, unless the user says where it is."""
    name = "spark.executorEnv.HADOOP_CONF_DIR"
    assert built(spark_ext.configure(SparkSession.builder.master("yarn")))[name] == "__spark_conf__/__hadoop_conf__"
    assert spark_ext.conf("yarn")[name] == "__spark_conf__/__hadoop_conf__"
    own = SparkSession.Builder().master("yarn").config(name, "/etc/hadoop/conf")
    assert built(spark_ext.configure(own))[name] == "/etc/hadoop/conf"
    assert name not in built(spark_ext.configure(SparkSession.Builder().master("local")))


def test_what_was_lent_to_the_driver_is_not_taken_for_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fsspec.config.conf, "hybridfs", {"exclude": "/tmp/"})
    spark_ext.configure(SparkSession.builder, user="alice", exclude="/other/")
    assert fsspec.config.conf["hybridfs"] | {"application": ""} == {
        "exclude": "/tmp/",
        "user": "alice",
        "application": "",
    }
    conf = built(spark_ext.configure(SparkSession.builder))
    assert "spark.hadoop.fs.hybridfs.user" not in conf
    assert conf["spark.hadoop.fs.hybridfs.exclude"] == "/tmp/"
    assert "user" not in fsspec.config.conf["hybridfs"]


def test_another_file_system_for_hdfs_is_an_error() -> None:
    builder = SparkSession.builder.config("spark.hadoop.fs.hdfs.impl", "com.example.Other")
    with pytest.raises(SparkSetupError, match=r"fs\.hdfs\.impl is already com\.example\.Other"):
        spark_ext.configure(builder)


def test_a_site_that_has_another_file_system_for_hdfs_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "core-site.xml").write_text(
        "<configuration><property><name>fs.hdfs.impl</name><value>com.example.Site</value></property></configuration>"
    )
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    with pytest.raises(SparkSetupError, match=r"fs\.hdfs\.impl is already com\.example\.Site"):
        spark_ext.configure(SparkSession.builder)


def test_an_option_that_is_set_otherwise_is_an_error() -> None:
    builder = SparkSession.builder.config("spark.hadoop.fs.hybridfs.disk", "1GiB")
    with pytest.raises(SparkSetupError, match=r"disk is already '1GiB' and '2GiB' was asked for"):
        spark_ext.configure(builder, disk="2GiB")
    assert "spark.jars" not in builder._options, "an error leaves the builder as it was"


def test_unknown_option_names_the_nearest() -> None:
    with pytest.raises(BadOption, match="cache_dir"):
        spark_ext.configure(SparkSession.builder, cachedir="/x")


def test_bad_size_gives_an_example() -> None:
    with pytest.raises(BadOption, match=r"disk.*'much'.*GiB"):
        spark_ext.configure(SparkSession.builder, disk="much")


def test_spark_connect_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SparkSetupError, match="Spark Connect"):
        spark_ext.configure(SparkSession.builder.config("spark.api.mode", "connect"))
    monkeypatch.setenv("SPARK_REMOTE", "sc://localhost")
    with pytest.raises(SparkSetupError, match="Spark Connect"):
        spark_ext.configure(SparkSession.builder)


@pytest.mark.parametrize("version", ["3.4.4", "2.4.8", "5.0.0"])
def test_other_versions_of_spark_are_an_error(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyspark, "__version__", version)
    with pytest.raises(SparkSetupError, match=rf"needs Spark 3\.5 to 4\.x, this is {version}"):
        spark_ext.configure(SparkSession.builder)


@pytest.mark.parametrize("version", ["3.5.0", "3.5.9", "4.0.0", "4.1.0.dev1", "4.3.0-SNAPSHOT"])
def test_versions_of_spark_that_work(version: str) -> None:
    assert jar.check_spark(version) == tuple(int(n) for n in version.split(".")[:2])


def fake_java(directory: Path, answer: str) -> None:
    java = directory / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho '{answer}' >&2\n")
    java.chmod(0o755)


def test_java_that_is_too_old_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(tmp_path, 'openjdk version "11.0.2" 2019-01-15')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    jar.check_java((3, 5))
    with pytest.raises(SparkSetupError, match=r'needs Java >= 17, .*says .openjdk version "11'):
        jar.check_java((4, 0))


def test_java_8_is_enough_for_spark_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(tmp_path, 'java version "1.8.0_401"')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    jar.check_java((3, 5))


def test_no_java_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SparkSetupError, match=r"JAVA_HOME=.* holds no bin/java"):
        jar.check_java((4, 3))


def test_an_installation_without_the_jar_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jar, "__file__", str(tmp_path / "jar.py"))
    with pytest.raises(SparkSetupError, match="make jar"):
        spark_ext.configure(SparkSession.builder)


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("", {}),
        ("pyspark-shell", {}),
        ("--jars a.jar,b.jar pyspark-shell", {"spark.jars": "a.jar,b.jar"}),
        ("-c a=b --conf=spark.x='y z' --driver-memory 4g pyspark-shell", {"a": "b", "spark.x": "y z"}),
        ("--driver-class-path /p:/q x.py", {"spark.driver.extraClassPath": "/p:/q"}),
    ],
)
def test_command_lines_are_read(text: str, flags: dict[str, str]) -> None:
    assert settings.submit_arguments(text)[0] == flags


def run_conf(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spark_ext", "conf", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_conf_prints_spark_defaults(jar: Path) -> None:
    done = run_conf("disk=/ssd/a=5GiB,/hdd/b=1TiB")
    lines = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert lines == spark_ext.conf(disk="/ssd/a=5GiB,/hdd/b=1TiB")
    assert lines["spark.hadoop.fs.hybridfs.disk"] == "/ssd/a=5GiB,/hdd/b=1TiB"


def test_conf_prints_arguments_of_spark_submit(jar: Path) -> None:
    done = run_conf("--format", "submit", "--master", "yarn", "memory=1GiB")
    assert "--conf spark.hadoop.fs.hybridfs.memory=1GiB\n" in done.stdout
    assert f"--conf spark.driver.extraClassPath={jar}:hybridfs.jar\n" in done.stdout


def test_conf_tells_a_bad_option() -> None:
    done = run_conf("disc=5GiB")
    assert done.returncode == 1
    assert "'disk'" in done.stderr
    assert "Traceback" not in done.stderr

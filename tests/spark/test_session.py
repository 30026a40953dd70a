"""Spark on a real HDFS through the cache. DataNodes say what was read from them, not our counters."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pytest

from spark_ext.bed import Hdfs
from tests.spark.conftest import Driver, NewDriver, RefusedError

# Several JVMs each: they take long where other work keeps the cores busy.
pytestmark = pytest.mark.timeout(900)

LOCAL = "local[2]"
CLUSTER = "local-cluster[2,1,1024]"
THRESHOLD = "spark.sql.sources.parallelPartitionDiscovery.threshold"
FORMS = ("parquet", "orc", "csv", "json", "text")


@dataclass(frozen=True)
class Dataset:
    """The same rows in several formats on HDFS, and what a Spark without hybridfs finds in them."""

    urls: dict[str, str]
    found: dict[str, Any]
    other_jar: str

    @property
    def two(self) -> dict[str, str]:
        """One columnar and one plain format: enough where only the way in differs."""
        return {form: self.urls[form] for form in ("parquet", "text")}

    @property
    def found_two(self) -> dict[str, Any]:
        return {form: self.found[form] for form in self.two}


@pytest.fixture(scope="module")
def data(hdfs: Hdfs) -> Dataset:
    urls = {form: f"{hdfs.url}/spark-data/{form}" for form in FORMS}
    with closing(Driver([sys.executable], hdfs.as_user(hdfs.superuser))) as driver:
        driver.do("start")
        for form, url in urls.items():
            driver.do("write", url=url, form=form)
        driver.do("copy_jar", url=f"{hdfs.url}/spark-data/other.jar")
        return Dataset(urls, scan_all(driver, urls), f"{hdfs.url}/spark-data/other.jar")


def scan_all(driver: Driver, urls: dict[str, str]) -> dict[str, Any]:
    return {form: driver.do("scan", url=url, form=form) for form, url in urls.items()}


@pytest.mark.parametrize("master", [LOCAL, CLUSTER])
def test_second_run_reads_nothing_from_hdfs(
    master: str, hdfs: Hdfs, new_driver: NewDriver, data: Dataset, cache_dir: Path
) -> None:
    # Executors fetch the other jar from HDFS through the class that ours brings.
    options = {"master": master, "conf": {"spark.jars": data.other_jar}, "cache_dir": str(cache_dir)}
    before = hdfs.served()
    cold = new_driver()
    cold.do("configure", **options)
    assert scan_all(cold, data.urls) == data.found
    filled = hdfs.served()
    assert filled.bytes > before.bytes
    cold.do("configure", **options)  # a notebook's cell is run again
    with pytest.raises(RefusedError, match=r"runs already, with fs\.hybridfs\.freshness = None.*attach"):
        cold.do("configure", **options, freshness="6s")
    assert scan_all(cold, data.urls) == data.found
    status = cold.do("status")
    cold.close()
    assert hdfs.served() == filled, "the same session read from HDFS again"

    warm = new_driver()
    warm.do("configure", **options)
    assert scan_all(warm, data.urls) == data.found
    warm_status = warm.do("status")
    warm.close()
    assert hdfs.served() == filled, "a new session read from HDFS what the cache has"

    processes = 1 if master == LOCAL else 3  # the driver and two executors
    for found in (status, warm_status):
        assert found.missing == 0
        assert len(found.processes) == len({p.pid for p in found.processes}) == processes
    assert status.total("origin_bytes") > 0
    assert status.reasons["cold"] == status.total("miss_blocks") > 0
    assert f"{status.reasons['cold']} cold" in str(status)
    assert "cold" not in warm_status.reasons
    assert warm_status.total("origin_bytes") == warm_status.total("miss_blocks") == 0
    assert warm_status.total("hit_bytes") > 0
    assert sum(h.bytes_from_cache for h in warm_status.hosts) == warm_status.total("hit_bytes")


@pytest.mark.parametrize("way", ["configure", "attach"])
def test_python_has_the_options_of_its_session(way: str, new_driver: NewDriver, cache_dir: Path) -> None:
    """In the driver and in workers, but for what is set otherwise there."""
    own = {"spark.executorEnv.FSSPEC_HYBRIDFS_FRESHNESS": "7s", "spark.hadoop.fs.hybridfs.exclude": "/tmp/"}
    options = {"cache_dir": str(cache_dir), "authorize": "fill", "user": "alice", "freshness": "5s"}
    driver = new_driver(environment={"FSSPEC_HYBRIDFS_MIN_FREE": "2GiB"})
    if way == "configure":
        driver.do("configure", master=LOCAL, conf=own, **options)
    else:
        driver.do("start", master=LOCAL, conf=own)
        driver.do("attach", **options)
    names = ["cache_dir", "authorize", "user", "freshness", "min_free", "exclude"]
    expected = [str(cache_dir), "fill", "alice", "7.0", str(2 << 30), "('/tmp/',)"]
    assert driver.do("options_of_python", names=names) == [expected, expected]


@pytest.mark.parametrize("master", [LOCAL, CLUSTER])
def test_attach_to_a_session_that_has_read_already(
    master: str, hdfs: Hdfs, hdfs_dir: str, new_driver: NewDriver, data: Dataset, cache_dir: Path
) -> None:
    driver = new_driver()
    driver.do("start", master=master, conf={"spark.eventLog.enabled": "true", "spark.eventLog.dir": hdfs_dir})
    assert scan_all(driver, data.two) == data.found_two
    with pytest.raises(RefusedError, match="has no hybridfs"):
        driver.do("status")
    with pytest.raises(RefusedError, match=r"fs\.hdfs\.impl = None.*attach"):
        driver.do("configure")

    driver.do("attach", cache_dir=str(cache_dir))
    assert driver.do("setting", name=THRESHOLD) == str(2**31 - 1)
    assert scan_all(driver, data.two) == data.found_two
    filled = hdfs.served()
    assert scan_all(driver, data.two) == data.found_two
    assert hdfs.served() == filled

    status = driver.do("status")
    assert status.missing == 0
    executors = status.processes if master == LOCAL else status.processes[1:]
    assert all(p.counters["hit_bytes"] > 0 for p in executors), "an executor does not use the cache"
    driver.do("attach", cache_dir=str(cache_dir))
    with pytest.raises(RefusedError, match=r"cache\.dir is already"):
        driver.do("attach", cache_dir="/elsewhere")

    driver.do("stop")
    logs = hdfs.web("GET", hdfs_dir.removeprefix(hdfs.url), op="LISTSTATUS")["FileStatuses"]["FileStatus"]
    assert logs
    assert not [log for log in logs if log["pathSuffix"].endswith(".inprogress")], "the event log was cut off"


def test_configure_in_a_jvm_whose_first_session_was_stopped(
    hdfs: Hdfs, new_driver: NewDriver, data: Dataset, cache_dir: Path
) -> None:
    driver = new_driver()
    driver.do("start")
    assert scan_all(driver, data.two) == data.found_two
    driver.do("stop")
    driver.do("configure", cache_dir=str(cache_dir))
    assert scan_all(driver, data.two) == data.found_two
    filled = hdfs.served()
    assert scan_all(driver, data.two) == data.found_two
    assert hdfs.served() == filled


def test_configure_in_an_application_of_spark_submit(
    hdfs: Hdfs, new_driver: NewDriver, data: Dataset, cache_dir: Path
) -> None:
    driver = new_driver(submit=["--master", CLUSTER])
    driver.do("configure", master=CLUSTER, cache_dir=str(cache_dir))
    assert scan_all(driver, data.two) == data.found_two
    filled = hdfs.served()
    assert scan_all(driver, data.two) == data.found_two
    assert hdfs.served() == filled
    assert driver.do("status").total("hit_bytes") > 0


def test_conf_lines_for_spark_submit(
    hdfs: Hdfs, new_driver: NewDriver, data: Dataset, cache_dir: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "spark_ext", "conf", f"cache_dir={cache_dir}"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (tmp_path / "spark.conf").write_text(printed)
    driver = new_driver(submit=["--properties-file", str(tmp_path / "spark.conf")])
    driver.do("start")
    assert scan_all(driver, data.two) == data.found_two
    filled = hdfs.served()
    assert scan_all(driver, data.two) == data.found_two
    assert hdfs.served() == filled
    assert driver.do("status").total("hit_bytes") > 0


def test_bob_is_refused_what_alice_has_cached(
    hdfs: Hdfs, hdfs_dir: str, new_driver: NewDriver, cache_dir: Path
) -> None:
    url = f"{hdfs_dir}/secret"
    alice = new_driver(user="alice")
    alice.do("configure", cache_dir=str(cache_dir))
    alice.do("write", url=url, form="parquet", files=1)
    for entry in hdfs.web("GET", url.removeprefix(hdfs.url), op="LISTSTATUS")["FileStatuses"]["FileStatus"]:
        path = f"{url.removeprefix(hdfs.url)}/{entry['pathSuffix']}"
        hdfs.web("PUT", path, op="SETPERMISSION", permission="0600")
    secret = alice.do("scan", url=url)
    filled = hdfs.served()
    assert alice.do("scan", url=url) == secret
    assert hdfs.served() == filled, "alice is not served by the cache, so the test shows nothing"
    alice.close()

    bob = new_driver(user="bob")
    bob.do("configure", cache_dir=str(cache_dir))
    with pytest.raises(RefusedError, match="Permission denied: user=bob, access=READ"):
        bob.do("scan", url=url)
    assert hdfs.served() == filled


def python_bytes(hdfs: Hdfs, cache_dir: Path, url: str) -> dict[str, bytes]:
    """All files of a directory, read whole by Python through the cache."""
    fs = fsspec.filesystem("hybridfs", cache_dir=str(cache_dir), skip_instance_cache=True)
    files = fs.find(url.replace("hdfs://", "hybridfs://"))
    return {name: fs.cat_file(name) for name in files if not name.endswith("_SUCCESS")}


def test_python_reads_what_spark_has_cached(
    hdfs: Hdfs,
    new_driver: NewDriver,
    data: Dataset,
    cache_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HADOOP_CONF_DIR", str(hdfs.conf_dir))
    driver = new_driver()
    driver.do("configure", cache_dir=str(cache_dir))
    assert driver.do("scan", url=data.urls["text"], form="text") == data.found["text"]
    driver.close()
    filled = hdfs.served()
    found = python_bytes(hdfs, cache_dir, data.urls["text"])
    assert hdfs.served() == filled, "Python read from HDFS what Spark has cached"
    assert sum(content.count(b"\n") for content in found.values()) == data.found["text"][0]


def test_spark_reads_what_python_has_cached(
    hdfs: Hdfs,
    new_driver: NewDriver,
    data: Dataset,
    cache_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HADOOP_CONF_DIR", str(hdfs.conf_dir))
    before = hdfs.served()
    python_bytes(hdfs, cache_dir, data.urls["parquet"])
    filled = hdfs.served()
    assert filled.bytes > before.bytes
    driver = new_driver()
    driver.do("configure", cache_dir=str(cache_dir))
    assert driver.do("scan", url=data.urls["parquet"]) == data.found["parquet"]
    driver.close()
    assert hdfs.served() == filled, "Spark read from HDFS what Python has cached"

"""A realm on-premises with an HDFS, a realm in the cloud, and an HDFS without Kerberos that several users read.

They start on first use and end with the session.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.bed.kdc import Kdc
from tests.security.bed.secure_hdfs import SecureHdfs
from tests.security.matrix_beds import PRIVATE, House, simple_house
from tests.security.matrix_run import Crowd, crowd


@pytest.fixture(scope="session")
def onprem() -> Iterator[Kdc]:
    """The KDC of `secure_hdfs` and of its users."""
    with Kdc("ONPREM") as running:
        yield running


@pytest.fixture(scope="session")
def cloud() -> Iterator[Kdc]:
    """A KDC whose realm `secure_hdfs` maps to short names. test_layouts.py lets its users in."""
    with Kdc("CLOUD") as running:
        yield running


@pytest.fixture(scope="session")
def secure_hdfs(onprem: Kdc, cloud: Kdc) -> Iterator[SecureHdfs]:
    """An HDFS under Kerberos without encryption on the wire. `gateway` may act for others; `/alice` is alice's."""
    with SecureHdfs(onprem, datanodes=1, trusted=[cloud], proxies=["gateway"]) as running:
        running.web("PUT", "/alice", op="MKDIRS", permission="755")
        running.web("PUT", "/alice", op="SETOWNER", owner="alice")
        yield running


@pytest.fixture(scope="session")
def house(jar: Path) -> Iterator[House]:
    """A SIMPLE HDFS with users in groups, and what starts readers as users of this host."""
    with simple_house() as made:
        yield made


@pytest.fixture(scope="session")
def people(house: House) -> Iterator[Crowd]:
    """Readers of one private root; bob and carol have Spark drivers, too. All write one file of audit lines."""
    with crowd(house, PRIVATE, spark=("bob", "carol"), audit=str(house.scratch / "audit.log")) as started:
        yield started

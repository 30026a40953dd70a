"""Users in a realm of the cloud, HDFS in one on-premises, and a one-way trust. One KDC for all: test_kerberos.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from hybridfs.layout import domain_name
from tests.security.bed.kdc import Kdc, trust, write_krb5_conf
from tests.security.bed.secure_hdfs import SecureHdfs
from tests.security.reading import assert_shared, content, in_python, in_spark, spark
from tests.spark.conftest import RefusedError

pytestmark = [pytest.mark.security, pytest.mark.timeout(600), pytest.mark.usefixtures("jar")]

# A client tries five times to get a ticket, for half a minute; once is enough to see the error.
IMPATIENT = {"spark.hadoop.ipc.client.connect.max.retries.on.sasl": "0"}


def in_the_cloud(hdfs: SecureHdfs, cloud: Kdc, user: str) -> Mapping[str, str]:
    """The environment of a host whose realm is the cloud's, with a new ticket of the user there."""
    conf = write_krb5_conf(cloud.directory / "host.conf", [cloud, hdfs.kdc], hdfs.kdc, hdfs.trusts)
    return hdfs.with_cache(cloud.kinit(user), conf)


def test_users_of_the_cloud_realm_read_what_the_trust_lets_them(
    secure_hdfs: SecureHdfs, cloud: Kdc, cache_dir: Path
) -> None:
    secure_hdfs.put("/alice/trusting", content(), "alice", permission="600")
    # For alice alone, whom Python has to be told: she is not the principal alice@CLOUD, but whom that is mapped to.
    alone = {"authorize": "fill", "user": "alice"}

    alice = in_the_cloud(secure_hdfs, cloud, "alice")
    with pytest.raises(RefusedError, match=r"^OSError: .*no trust to realm ONPREM"):
        in_python(secure_hdfs, alice, "/alice/trusting", cache_dir, **alone)
    with pytest.raises(RefusedError, match=r"realm ONPREM it does not know or trust"):
        in_spark(secure_hdfs, alice, "/alice/trusting", cache_dir, IMPATIENT, authorize="fill")

    trust(users=cloud, services=secure_hdfs.kdc)
    alice = in_the_cloud(secure_hdfs, cloud, "alice")
    with spark(alice, cache_dir, authorize="fill") as driver:
        assert_shared(
            secure_hdfs,
            "alice-at-CLOUD-reads-ONPREM",
            lambda path: in_python(secure_hdfs, alice, path, cache_dir, **alone),
            lambda path: driver.do("digest", url=f"{secure_hdfs.url}{path}"),
        )
    domains = {found.name for found in (cache_dir / "v1").iterdir() if found.name.startswith("hdfs-")}
    assert domains == {domain_name(f"hdfs-{secure_hdfs.authority}@alice")}

    bob = in_the_cloud(secure_hdfs, cloud, "bob")
    with pytest.raises(RefusedError, match="Permission denied: user=bob"):
        in_python(secure_hdfs, bob, "/alice/trusting", cache_dir)
    with pytest.raises(RefusedError, match="Permission denied: user=bob"):
        in_spark(secure_hdfs, bob, "/alice/trusting", cache_dir)

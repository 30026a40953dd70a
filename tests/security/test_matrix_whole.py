"""The whole permission matrix: SIMPLE and Kerberos, both languages, both sorts of roots, every right and every change.

A root is private, with all readers of its owner's uid, or of a group, with readers of another uid than alice's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.security import matrix
from tests.security.matrix_beds import PRIVATE, SHARED, House, secure_house, simple_house
from tests.security.matrix_judge import Judge, revocations
from tests.security.matrix_run import LANGUAGES, Batch, crowd

pytestmark = [pytest.mark.security, pytest.mark.timeout(900)]


@pytest.mark.parametrize("bed", [simple_house, secure_house], ids=["simple", "kerberos"])
def test_nobody_reads_what_hdfs_refuses_him(bed: Callable[[], AbstractContextManager[House]]) -> None:
    """No byte after the grant has ended, no byte without one, nobody locked out, and HDFS's own sort of error."""
    judge = Judge()
    begun = time.monotonic()
    with bed() as house:
        for mode, root in ((PRIVATE, "private"), (SHARED, "group")):
            with crowd(house, mode) as people:
                for freshness in ("0", "5s"):
                    cells = matrix.cells(f"{root}-{freshness}")
                    Batch(people, cells, freshness, judge, root, brief=freshness != "0").run()
                if mode == PRIVATE:
                    few = [role for role in matrix.ROLES if role.name in ("group", "ACL-allowed")]
                    default = matrix.cells("default", tuple(few), ("chmod", "setfacl", "delete"))
                    Batch(people, default, None, judge, root, brief=True).run()
    print(judge.table(), f"{time.monotonic() - begun:.0f} s", sep="\n")
    assert judge.faults == []
    assert judge.sums["bytes leaked"] == 0
    batches = 2 * 2 * len(LANGUAGES)
    assert judge.revoked == batches * revocations() + len(default) * len(LANGUAGES)
    assert judge.worst("freshness=0") == 0
    assert 3 < judge.worst("freshness=5s") <= 5
    assert 25 < judge.worst("freshness=default") <= 30
    assert judge.sums["bytes by a grant inside freshness"] > 0
    assert (
        judge.sums["origin_bytes before the changes"] == 0
    )  # all that was read lay in the cache, for whoever is let to it

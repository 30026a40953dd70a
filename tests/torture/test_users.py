"""The short form of `tests.torture.users`."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path

from spark_ext.bed import Hdfs
from tests.torture import users_cases
from tests.torture.outcome import Outcome
from tests.torture.readers import NameNode
from tests.torture.users import torture

SEED = 20_260_726
PAIRS = (("python", "java"), ("java", "python"))
CASES = (
    partial(users_cases.the_second_reads_what_the_first_cached, pairs=PAIRS),
    users_cases.a_private_root_serves_its_owner_only,
    partial(users_cases.an_unsafe_root_is_refused_and_mended, most=3),
    partial(users_cases.a_hostile_co_tenant, seconds=3),
    partial(users_cases.blocks_are_truncated_while_they_are_open, pairs=(("python", "python"),)),
    partial(users_cases.pipes_stand_in_the_place_of_files, languages=("python",)),
)


def test_users_share_as_the_mode_says(hdfs: Hdfs) -> None:
    assert os.geteuid() == 0, "only root can be two users; run this test as root"
    outcome = Outcome("users", SEED)
    with tempfile.TemporaryDirectory(prefix="hybridfs-torture-") as scratch:
        torture(NameNode(hdfs.authority), Path(scratch), outcome, CASES)
    assert outcome.violations == []
    assert outcome.figures["bytes that the second user read from the first one's blocks"] > 0
    assert outcome.figures["deeds of a hostile co-tenant"] > 20
    assert outcome.figures["unsafe roots"] == 3

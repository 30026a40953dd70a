"""A faulty disk never harms a query: ``python -m tests.torture.disk [--seed N] [CASE ...]``.

Runs in a mount namespace of its own, where it fills small disks, makes them read-only and lets their calls fail.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

from spark_ext.bed import Hdfs
from tests.torture import disk_cases
from tests.torture.outcome import Outcome
from tests.torture.readers import NameNode

_INSIDE = "HYBRIDFS_TORTURE_NAMESPACE"


def torture(namenode: NameNode, scratch: Path, outcome: Outcome, cases: list[str], share: float) -> None:
    """Runs the cases, all unless some are named."""
    stage = disk_cases.Stage(namenode, scratch, outcome, random.Random(outcome.seed), share=share)
    for case in disk_cases.CASES:
        if not cases or case.__name__ in cases:
            outcome.say(case.__name__.replace("_", " "))
            case(stage)
            outcome.add("cases")


def main() -> int:
    """Runs everything; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.disk", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 20))
    parser.add_argument("--namenode", help="host:port of a running HDFS (default: one is started)")
    parser.add_argument("--share", type=float, default=1.0, help="of the faults of many kinds (default: 1)")
    parser.add_argument("cases", nargs="*", help=f"of {', '.join(case.__name__ for case in disk_cases.CASES)}")
    chosen = parser.parse_args()
    if os.environ.get(_INSIDE) != "1":
        os.environ[_INSIDE] = "1"
        mapped = [] if os.geteuid() == 0 else ["--map-root-user"]
        command = ["unshare", *mapped, "--mount", sys.executable, "-m", "tests.torture.disk", *sys.argv[1:]]
        os.execvp(command[0], command)
    outcome = Outcome("disk", chosen.seed, verbose=True)
    with tempfile.TemporaryDirectory(prefix="hybridfs-torture-", ignore_cleanup_errors=True) as scratch:
        if chosen.namenode:
            torture(NameNode(chosen.namenode), Path(scratch), outcome, chosen.cases, chosen.share)
        else:
            with Hdfs() as hdfs:
                torture(NameNode(hdfs.authority), Path(scratch), outcome, chosen.cases, chosen.share)
    return outcome.tell()


if __name__ == "__main__":
    sys.exit(main())

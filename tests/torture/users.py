"""Users of one host share a root as its mode says: ``python -m tests.torture.users [--seed N] [CASE ...]``.

Must be root: its readers run as users that need no account.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from spark_ext.bed import Hdfs
from tests.torture import users_cases
from tests.torture.outcome import Outcome
from tests.torture.readers import NameNode, Readers, open_to_all

Case = Callable[[users_cases.House], None]


def torture(namenode: NameNode, scratch: Path, outcome: Outcome, cases: Sequence[Case]) -> None:
    """Runs the cases over one HDFS. ``scratch`` becomes open to all."""
    with open_to_all(scratch) as inner, Readers(namenode, inner) as readers:
        house = users_cases.House(namenode, inner, outcome, random.Random(outcome.seed), readers)
        for case in cases:
            outcome.say(getattr(case, "__name__", "").replace("_", " "))
            case(house)
            outcome.add("cases")


def main() -> int:
    """Runs everything; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.users", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 20))
    parser.add_argument("--namenode", help="host:port of a running HDFS (default: one is started)")
    parser.add_argument("cases", nargs="*", help=f"of {', '.join(case.__name__ for case in users_cases.CASES)}")
    chosen = parser.parse_args()
    cases = [case for case in users_cases.CASES if not chosen.cases or case.__name__ in chosen.cases]
    outcome = Outcome("users", chosen.seed, verbose=True)
    with tempfile.TemporaryDirectory(prefix="hybridfs-torture-") as scratch:
        if chosen.namenode:
            torture(NameNode(chosen.namenode), Path(scratch), outcome, cases)
        else:
            with Hdfs() as hdfs:
                torture(NameNode(hdfs.authority), Path(scratch), outcome, cases)
    return outcome.tell()


if __name__ == "__main__":
    sys.exit(main())

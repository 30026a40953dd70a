"""A faulty origin never becomes a wrong byte, nor a cached one: ``python -m tests.torture.origin [--seed N]``.

First an origin in this process, which fails at each of its calls in turn; then, in a JVM, the client below the cache,
likewise; then an HDFS of which the daemons die, freeze and forget, and the disks rot.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.torture import origin_hdfs, origin_jvm, origin_scripted
from tests.torture.outcome import Outcome


def main() -> int:
    """Runs everything; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.origin", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 20))
    parser.add_argument("--rounds", type=int, default=1, help="how often the faults of HDFS come (default: 1)")
    chosen = parser.parse_args()
    outcome = Outcome("origin", chosen.seed, verbose=True)
    with tempfile.TemporaryDirectory(prefix="hybridfs-torture-") as scratch:
        origin_scripted.torture(Path(scratch), outcome)
        origin_hdfs.torture(Path(scratch), outcome, (origin_jvm.every_call_fails, *origin_hdfs.LONG * chosen.rounds))
    return outcome.tell()


if __name__ == "__main__":
    sys.exit(main())

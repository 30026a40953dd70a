"""TPC-H: the tables' data and the queries."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

from spark_ext.bed import BedError

TABLES = ("region", "nation", "supplier", "part", "customer", "partsupp", "orders", "lineitem")
QUERIES = {path.stem: path.read_text() for path in sorted((Path(__file__).parent / "queries").glob("*.sql"))}


def generate(scale: float, into: Path) -> None:
    """Write `TABLE.parquet` for each of TABLES to `into`; scale 1 is about 350 MB.

    Raises:
        BedError: the generator is missing or failed.
    """
    command = [_generator(), "parquet", f"--scale-factor={scale}", f"--output-dir={into}", "--quiet"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise BedError(f"tpchgen-cli failed: {(run.stdout + run.stderr)[-2000:]}")


def _generator() -> str:
    # Beside this Python first: its environment need not be activated.
    found = shutil.which("tpchgen-cli", path=sysconfig.get_path("scripts")) or shutil.which("tpchgen-cli")
    if found is None:
        raise BedError("tpchgen-cli is missing. Run: pip install 'hybridfs[demo]'")
    return found

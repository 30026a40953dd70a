"""Figures that tests found out are printed at the end of the run."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hybridfs.root import open_root
from tests.python.support import BLOCK, ScriptedOrigin, settle_process

_figures: Counter[str] = Counter()


@pytest.fixture
def figures() -> Counter[str]:
    """What is added here by name is summed up over all tests and printed at the end."""
    return _figures


@pytest.fixture
def origin(request: pytest.FixtureRequest) -> ScriptedOrigin:
    """An origin whose file `/f` holds the ``DATA`` of the test's module."""
    made = ScriptedOrigin()
    made.write("/f", request.module.DATA)
    return made


@pytest.fixture
def cache_dir() -> Iterator[Path]:
    """An empty private directory for a cache root. It is removed when nobody publishes to it any more."""
    directory = Path(tempfile.mkdtemp(prefix="hybridfs-cache-"))
    yield directory
    settle_process(str(directory))
    shutil.rmtree(directory)


@pytest.fixture
def memory_root(tmp_path: Path) -> Iterator[Path]:
    """A root with the smallest blocks. Its memory tier, which lies elsewhere, is removed after the test."""
    root = tmp_path / "root"
    memory = open_root(str(root), BLOCK).memory_directory
    yield root
    shutil.rmtree(memory, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _figures:
        terminalreporter.section("figures")
        for name, figure in sorted(_figures.items()):
            terminalreporter.write_line(f"{name}: {figure:,}")

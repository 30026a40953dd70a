"""Figures that tests found out are printed at the end of the run."""

from __future__ import annotations

from collections import Counter

import pytest

_figures: Counter[str] = Counter()


@pytest.fixture
def figures() -> Counter[str]:
    """What is added here by name is summed up over all tests and printed at the end."""
    return _figures


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _figures:
        terminalreporter.section("figures")
        for name, figure in sorted(_figures.items()):
            terminalreporter.write_line(f"{name}: {figure:,}")

"""The frame of the command line; its commands have tests of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version

MAIN = "import sys; sys.argv[0] = 'hybridfs'; from hybridfs.cli import main; main()"


def run(*arguments: str, code: str = MAIN) -> subprocess.CompletedProcess[str]:
    command: Sequence[str] = (sys.executable, "-c", code, *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_version() -> None:
    assert run("--version").stdout == f"hybridfs {version('hybridfs')}\n"


def test_help_lists_the_commands_of_other_packages() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert re.search(r"\bdemo\b", done.stdout)


def test_unknown_command_is_an_error() -> None:
    done = run("no-such-command")
    assert done.returncode == 2
    assert "no-such-command" in done.stderr


def test_without_typer_it_says_what_to_install() -> None:
    done = run(code=f"import sys; sys.modules['typer'] = None; {MAIN}")
    assert done.returncode == 1
    assert "pip install 'hybridfs[cli]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_that_misses_a_package_does_not_break_the_others() -> None:
    code = f"import sys; sys.modules['spark_ext.demo'] = None; {MAIN}"
    assert run("--version", code=code).returncode == 0
    done = run("demo", code=code)
    assert done.returncode == 1
    assert "pip install 'hybridfs[demo]'" in done.stderr

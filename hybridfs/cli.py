"""The command `hybridfs`. Commands come from the entry point group `hybridfs.commands`, so that packages add theirs."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

GROUP = "hybridfs.commands"
MISSING = "hybridfs: the command line needs {name}, which is not installed. Run: pip install 'hybridfs[cli]'"


def _add(app: typer.Typer, entry: EntryPoint) -> None:
    """Add one command; what it cannot import is told when it is called, not when another one is."""
    try:
        app.command(entry.name)(entry.load())
    except ImportError as error:
        _add_broken(app, entry.name, str(error))


def _add_broken(app: typer.Typer, name: str, reason: str) -> None:
    def broken() -> None:
        sys.exit(f"hybridfs {name}: {reason}. Run: pip install 'hybridfs[{name}]'")

    app.command(name, help=f"Not available: {reason}")(broken)


def make_app() -> typer.Typer:
    """The command line with all commands that are installed.

    Raises:
        ImportError: typer or rich is missing.
    """
    import rich  # noqa: F401  # every command prints with it
    import typer

    app = typer.Typer(name="hybridfs", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

    def show_version(wanted: bool) -> None:
        if wanted:
            typer.echo(f"hybridfs {version('hybridfs')}")
            raise typer.Exit

    @app.callback()
    def options(
        _version: bool = typer.Option(
            False, "--version", callback=show_version, is_eager=True, help="Show the version and exit."
        ),
    ) -> None:
        """A local cache for remote HDFS, shared by Python and Spark."""

    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        _add(app, entry)
    return app


def main() -> None:
    """Entry point of the command `hybridfs`."""
    try:
        app = make_app()
    except ModuleNotFoundError as error:
        sys.exit(MISSING.format(name=error.name))
    app()

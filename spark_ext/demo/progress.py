"""What a person sees while the demo works."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar


class Progress:
    """A bar over all steps, and one line for each stage that is done. Without a terminal only the lines."""

    def __init__(self, console: Console, steps: int):
        self._console = console
        self._bar = Bar(
            SpinnerColumn(),
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=steps)

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar away; may be repeated."""
        self._bar.stop()

    def advance(self) -> None:
        """One step is done."""
        self._bar.advance(self._task)

    @contextmanager
    def stage(self, what: str) -> Iterator[Callable[[str], None]]:
        """Show what is being done and, when it is, how long it took; yields a function that names the present part."""

        def say(part: str) -> None:
            self._bar.update(self._task, description=f"{what}: {part}")

        self._bar.update(self._task, description=what)
        begun = time.monotonic()
        yield say
        self._console.print(f"[green]✓[/] {what} [dim]{time.monotonic() - begun:.1f} s[/]", highlight=False)

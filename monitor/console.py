"""What the command prints: progress for people, JSON for machines, one line for an error. It decides nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

out = Console()
err = Console(stderr=True)


def say_json(value: Any) -> None:
    """One JSON object a line on standard output: stable for machines, whatever the terminal."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def fail(message: str, status: int = 2) -> NoReturn:
    """One clear line on standard error and the exit status: 2 bad input or operational failure, 1 a « no »."""
    sys.stderr.write(f"vigie: {' '.join(message.split())}\n")
    raise SystemExit(status)


@contextmanager
def progress(label: str, quiet: bool = False) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on standard error, told `(done, total or None)`; nothing at all when quiet or not on a terminal."""
    if quiet or not err.is_terminal:
        yield lambda _done, _total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def table(title: str, rows: list[tuple[str, str]]) -> None:
    """A two-column table for people."""
    grid = Table(title=title, show_header=False, title_justify="left")
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, value)
    out.print(grid)

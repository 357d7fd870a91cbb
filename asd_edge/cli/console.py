"""What commands share at the terminal: a progress bar, tables as wide as they need, Ctrl-C in one line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from asd_edge.clip.progress import ProgressFn, ignore_progress

PARITY_FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130
CHANGED_FOR_THE_WORSE = 1
WIDEST_TABLE = 200  # characters, unless a table needs more
_BOUNDLESS = 100_000

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@contextmanager
def interruptible(how_to_go_on: str) -> Iterator[None]:
    """Ctrl-C becomes one line that says how to go on, and exit code 130."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as stop:
        if isinstance(stop, SystemExit) and not isinstance(stop.__context__, KeyboardInterrupt):
            raise  # Lightning leaves by SystemExit when it is interrupted; any other is not ours
        typer.echo(f"interrupted: {how_to_go_on}", err=True)
        raise typer.Exit(INTERRUPTED) from stop


@contextmanager
def progress_bar(words: str) -> Iterator[ProgressFn]:
    """A bar on stderr while the block runs, if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield ignore_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(words, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def printable(text: str) -> str:
    """What a board, a host or a file calls itself, without characters that steer a terminal: as Python escapes them."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def print_tables(*tables: object) -> None:
    """Each as wide as it needs: a pipe or a narrow terminal never breaks a line inside a cell."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    boundless = console.options.update(width=_BOUNDLESS)
    needed = [console.measure(each, options=boundless).maximum for each in tables if isinstance(each, Table)]
    Console(width=max(console.width, WIDEST_TABLE, *needed)).print(*tables)

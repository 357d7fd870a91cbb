"""Options of the commands that bind a model to a machine: which one, and above which score it raises the alarm."""

from pathlib import Path
from typing import Annotated

import typer

AUTO = "auto"

WorkDir = Annotated[Path, typer.Argument(metavar="WORK", help="Work directory that export wrote.")]
Machine = Annotated[str, typer.Option(metavar="TYPE/ID", help="The machine that the device listens to: fan/id_00.")]


def threshold_of(text: str) -> float | None:
    """None for auto. Raises BadParameter for what is no number."""
    if text == AUTO:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise typer.BadParameter(f"--threshold {text}: give {AUTO} or a number") from error

"""`asd-edge score`: one clip, as a device hears it."""

from pathlib import Path
from typing import Annotated

import typer

from asd_edge.cli.console import Json


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command(
        epilog="\b\nExamples:\n  asd-edge score data/synthetic/fan/test/anomaly_id_00_00000000.wav --work work/mine\n"
        "  asd-edge score clip.wav --work work/mine --machine fan/id_00"
    )(score)


def score(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="A WAV or FLAC file.")],
    work_dir: Annotated[Path, typer.Option("--work", help="Work directory that export wrote.")],
    machine: Annotated[
        str | None, typer.Option(metavar="TYPE/ID", help="What the clip claims to be. Default: what its path says.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Score a clip hop by hop with the firmware's own C: the higher, the less it sounds like the machine."""
    import json

    from asd_edge.backends.score_clip import score_clip
    from asd_edge.export.detector import ARCFACE

    heard = score_clip(clip, work_dir, machine)
    if as_json:
        typer.echo(json.dumps({"machine": heard.machine, "kind": heard.kind, "score": heard.score}, indent=1))
        return
    unit = "log-odds" if heard.kind == ARCFACE else "dB^2"
    typer.echo(f"{heard.machine}  {heard.score:.4f} {unit}")

"""`asd-edge provision`: which machine a device listens to, and above which score it raises the alarm."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asd_edge.cli.console import Json, interruptible, progress_bar
from asd_edge.cli.machine_options import AUTO, Machine, WorkDir, threshold_of

if TYPE_CHECKING:
    from asd_edge.provision.provision_record import Provision


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command(
        epilog="\b\nExamples:\n  asd-edge provision work/mine --machine fan/id_00\n"
        "  asd-edge provision work/mine --machine pump/id_06 --normal recordings/new-pump\n"
        "  asd-edge provision work/mine --machine fan/id_00 --threshold 4.5 -o work/fan-in-hall-2"
    )(provision)


def provision(
    work_dir: WorkDir,
    machine: Machine,
    threshold: Annotated[
        str,
        typer.Option(
            metavar="auto|SCORE", help="auto: from the sound of --normal, without it of WORK/thresholds.json."
        ),
    ] = AUTO,
    normal: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Some minutes of the machine's normal sound, WAV or FLAC; enrols one that is new."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="DEVICE", help="Default: WORK/TYPE-ID.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Bind a device to its machine; a machine that the model doesn't know is enrolled from its normal sound, without
    training. DEVICE is a work directory: package, compile, evaluate and listen take it. WORK stays as it is.
    """
    import json

    from asd_edge.provision.provision_record import provision_content
    from asd_edge.provision.provision_work import ProvisionRequest, provision_work

    request = ProvisionRequest(machine, threshold_of(threshold), normal)
    with (
        interruptible("nothing was written; run the same command again"),
        progress_bar("listening to normal sound") as on_progress,
    ):
        device, found = provision_work(work_dir, request, out, on_progress)
    if as_json:
        typer.echo(json.dumps({"device": str(device), **provision_content(found)}, indent=1))
        return
    _say(device, found)


def _say(device: Path, found: "Provision") -> None:
    state = "enrolled as new" if found.is_enrolled else "known to the model"
    typer.echo(f"{device}: listens to {found.machine}, class {found.class_index}, {state}")
    typer.echo(f"  threshold  {found.threshold:.4f}: alarm above it; {found.origin}")
    if found.windows:
        typer.echo(
            f"  heard      {found.windows} windows of {found.window_seconds:g} s in {len(found.recordings)} files"
        )
    if found.recognized is not None:
        typer.echo(f"  recognized {found.recognized} of {found.windows} windows as this machine")
        if 2 * found.recognized < found.windows:
            typer.echo("  if this is another machine of the same name, enrol it under a name of its own")
    if found.nearest_machine is not None and found.nearest_cosine is not None:
        typer.echo(f"  nearest    {found.nearest_machine}, cosine {found.nearest_cosine:.2f}: the nearer, the harder")

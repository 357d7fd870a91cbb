"""`asd-edge listen`: the service that hears machines day and night, its configuration and its systemd unit."""

from pathlib import Path
from typing import Annotated

import typer

from asd_edge.cli.console import Json

app = typer.Typer(help="Listen to machines by their microphones, all the time.", no_args_is_help=True)
Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="A YAML file; see `asd-edge listen schema`.")]


@app.command(epilog="\b\nExamples:\n  asd-edge listen run listen.yaml\n  asd-edge listen run listen.yaml --dashboard")
def run(
    config_path: Config,
    dashboard: Annotated[bool, typer.Option("--dashboard", help="Serve the page, on this computer alone.")] = False,
) -> None:
    """Listen until SIGTERM, or until every source has ended; SIGHUP reads CONFIG again."""
    import os
    import sys

    from asd_edge.listen.read_config import read_config

    read_config(config_path)
    # In place of this process, which holds pydantic because typer does: a quarter of the service's memory.
    arguments = ["-P", "-m", "asd_edge.cli.run_listening", str(config_path), *(["--dashboard"] if dashboard else [])]
    os.execv(sys.executable, [sys.executable, *arguments])


@app.command(epilog="\b\nExample:\n  asd-edge listen check listen.yaml")
def check(config_path: Config) -> None:
    """Read CONFIG, compile what is missing, and say what would be listened to; no source is heard, no output used."""
    from asd_edge.listen.check_outputs import check_outputs
    from asd_edge.listen.machine import prepare_all
    from asd_edge.listen.read_config import read_config

    config = read_config(config_path)
    check_outputs(config)
    for prepared in prepare_all(config):
        entry = prepared.entry
        typer.echo(f"{entry.machine}: {entry.source.kind}, threshold {prepared.threshold.in_words()}")
        for image in prepared.judgement.images:
            seconds = image.advance_samples / 16_000
            typer.echo(f"  {image.path}: a score every {seconds:g} s")


@app.command(epilog="\b\nExample:\n  asd-edge listen schema > listen.schema.json")
def schema() -> None:
    """Print the configuration's JSON Schema, as editors of YAML take it."""
    import json

    from asd_edge.listen.read_config import config_schema

    typer.echo(json.dumps(config_schema(), indent=1))


@app.command(epilog="\b\nExample:\n  asd-edge listen install /etc/asd-edge/listen.yaml")
def install(
    config_path: Config,
    folder: Annotated[Path | None, typer.Option(metavar="DIR", help="Default: /etc/systemd/system")] = None,
) -> None:
    """Check CONFIG and write the systemd unit that listens by it."""
    import sys

    import asd_edge
    from asd_edge.listen.check_outputs import check_outputs
    from asd_edge.listen.machine import prepare_all
    from asd_edge.listen.read_config import read_config
    from asd_edge.listen.systemd_unit import UNIT, UNIT_FOLDER, check_reach, unit_text, write_unit

    config = read_config(config_path)
    command, program = Path(sys.argv[0]).absolute(), (Path(sys.executable), Path(asd_edge.__file__))
    check_reach(config_path.absolute(), config, (command, *program))
    text = unit_text(config_path.absolute(), config, command, program)
    check_outputs(config)
    prepare_all(config)
    path = write_unit(text, folder or UNIT_FOLDER)
    typer.echo(f"wrote {path}\nstart it now and at every boot: systemctl enable --now {UNIT}")


@app.command(epilog="\b\nExample:\n  asd-edge listen status --json")
def status(as_json: Json = False) -> None:
    """What systemd says of the service; exit code 1 unless it is active."""
    import json

    from asd_edge.listen.systemd_unit import unit_status

    found = unit_status()
    if as_json:
        typer.echo(json.dumps(dict(found.properties), indent=1))
    else:
        typer.echo("\n".join(f"{name:20} {value}" for name, value in found.properties))
    if not found.is_active:
        raise typer.Exit(1)

"""`asd-edge flash`: a signed bundle -> a board that runs it and has passed its self-test there."""

from pathlib import Path
from typing import Annotated

import typer

from asd_edge.cli.console import Json, interruptible, progress_bar


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command(
        epilog="\b\nExamples:\n  asd-edge flash fan.asdb --public-key plant.key.pub --port /dev/ttyACM0\n"
        "  asd-edge flash --port /dev/ttyACM0\n"
        "  asd-edge flash --port /dev/ttyACM0 --go-back"
    )(flash)


def flash(
    port: Annotated[str, typer.Option(metavar="PORT[@BAUD]", help="Serial port of a board that runs apps/detector.")],
    bundle_path: Annotated[
        Path | None, typer.Argument(metavar="[BUNDLE]", help="A file that asd-edge package wrote.")
    ] = None,
    public_key: Annotated[
        list[Path] | None, typer.Option(metavar="KEY.pub", help="Whoever may have signed it; repeat for more.")
    ] = None,
    is_back: Annotated[bool, typer.Option("--go-back", help="To the model that the board confirmed before.")] = False,
    as_json: Json = False,
) -> None:
    """Install over a serial line: the board verifies and tries the model, and keeps it or goes back by itself."""
    if bundle_path is not None and (is_back or not public_key):
        raise typer.BadParameter("--go-back takes no bundle" if is_back else "a bundle needs --public-key")
    import json
    from dataclasses import asdict

    from asd_edge.backends.serial_link import open_link
    from asd_edge.flash.serial_update import board_state, go_back, update_board
    from asd_edge.package.bundle import load_bundle
    from asd_edge.package.keys import load_public_key

    bundle = None
    if bundle_path is not None:
        bundle = load_bundle(bundle_path, [load_public_key(path) for path in public_key or ()])
    with (
        interruptible("the board still runs its old model; run the same command again"),
        open_link(port) as link,
        progress_bar("installing, then waiting for the board's self-test") as on_progress,
    ):
        if bundle is not None and bundle_path is not None:
            state = update_board(link, bundle, bundle_path.read_bytes(), on_progress)
        else:
            state = go_back(link) if is_back else board_state(link)
    if as_json:
        typer.echo(json.dumps(asdict(state), indent=1))
        return
    tested = f", self-test {state.self_test}" if state.self_test else ""
    runs = f"version {state.version} for {state.machine} in slot {state.slot}{tested}" if state.version else "no model"
    typer.echo(f"{port}: runs {runs}; versions up to {state.least_version} are refused")

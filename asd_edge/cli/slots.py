"""`asd-edge slots`: the two models that a small computer holds, of which one is in use."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asd_edge.cli.console import Json, printable
from asd_edge.cli.profile import BoardsFile

if TYPE_CHECKING:
    from asd_edge.package.rauc_record import ModelRecord

app = typer.Typer(help="The two models that a computer with Linux holds, of which one is active.", no_args_is_help=True)
_DEFAULT = Path("/var/lib/asd-edge/models")  # rauc_slots.SLOTS_FOLDER, without NumPy for --help
Slots = Annotated[Path, typer.Option("--slots", metavar="DIR", help="Holds 0, 1 and active, a link to one of them.")]


@app.command(epilog="\b\nExample:\n  asd-edge slots setup --board rpi4 --certificate rauc.key.crt")
def setup(
    board_name: Annotated[str, typer.Option("--board", metavar="B", help="Of boards.yaml or yours: what this is.")],
    certificate: Annotated[Path, typer.Option(metavar="KEY.crt", help="Of whoever may sign models for it.")],
    slots: Slots = _DEFAULT,
    boards_file: BoardsFile = None,
    root: Annotated[Path, typer.Option(metavar="DIR", help="Of the system's files, such as a mounted image.")] = Path(
        "/"
    ),
) -> None:
    """Write what RAUC and systemd need to install models here and to check the active one at every boot."""
    import sys

    from asd_edge.boards import board_named, load_boards_with
    from asd_edge.package.rauc_setup import CHECK_UNIT, write_setup

    board = board_named(board_name, load_boards_with(boards_file).boards)
    for path in write_setup(root, board, certificate, slots, Path(sys.argv[0]).absolute()):
        typer.echo(f"wrote {path}")
    typer.echo("once: apt install rauc rauc-service squashfs-tools && systemctl daemon-reload")
    typer.echo(f"check at every boot: systemctl enable {CHECK_UNIT}")
    typer.echo(f"then: rauc install MODEL.raucb, and in listen.yaml model: {slots / 'active'}")


@app.command(epilog="\b\nExample:\n  asd-edge slots install /run/rauc/bundle/model")
def install(
    source: Annotated[Path, typer.Argument(metavar="FOLDER", help="The model's folder of a bundle that RAUC mounted.")],
    slots: Slots = _DEFAULT,
    as_json: Json = False,
) -> None:
    """Copy a model into the slot that isn't in use, run its self-test there, and make it active in one step."""
    from asd_edge.package.rauc_slots import active_slot, install_model

    record = install_model(source, slots)
    say(active_slot(slots) or slots, record, as_json)


@app.command(epilog="\b\nExample:\n  asd-edge slots check --or-go-back")
def check(
    slots: Slots = _DEFAULT,
    or_go_back: Annotated[
        bool, typer.Option("--or-go-back", help="To the model before, where this one fails.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Hash the active model's files and run its self-test by the engine of this computer."""
    from asd_edge.errors import PackageError
    from asd_edge.package.rauc_record import check_model
    from asd_edge.package.rauc_slots import active_slot

    active = active_slot(slots)
    if active is None:
        raise PackageError(f"{slots}: no model is active here; run rauc install MODEL.raucb")
    try:
        record = check_model(active)
    except PackageError as error:
        if not or_go_back:
            raise
        typer.echo(f"warning: {printable(str(error))}; going back", err=True)
        go_back(slots, as_json)
        return
    say(active, record, as_json)


@app.command("go-back", epilog="\b\nExample:\n  asd-edge slots go-back --json")
def go_back(slots: Slots = _DEFAULT, as_json: Json = False) -> None:
    """Make the model active again that was so before this one, if its self-test passes."""
    from asd_edge.package.rauc_slots import active_slot
    from asd_edge.package.rauc_slots import go_back as make_the_other_active

    record = make_the_other_active(slots)
    say(active_slot(slots) or slots, record, as_json)


def say(path: Path, record: "ModelRecord", as_json: bool) -> None:
    """A model's record, and where it lies."""
    import json

    if as_json:
        typer.echo(json.dumps({"path": str(path), **record.model_dump()}, indent=1))
        return
    typer.echo(f"{path}: version {record.version} for {printable(record.machine)} on {printable(record.board)}")
    typer.echo(f"  threshold  {record.threshold:.4f}: alarm above it")
    for name, test in record.self_tests.items():
        typer.echo(f"  self-test  {name}: seed {test.seed}, score {test.score_q16 / 65536:.4f}")

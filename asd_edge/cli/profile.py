"""`asd-edge profile`: memory, time and energy of a model on a board, with or without it on the desk."""

from pathlib import Path
from typing import Annotated

import typer

from asd_edge.cli.console import Json, interruptible, print_tables, progress_bar

BoardsFile = Annotated[
    Path | None, typer.Option("--boards", metavar="FILE", help="A file with boards of your own, as boards.yaml.")
]
# An 18650-size lithium-ion cell.
_CELL_MAH, _CELL_VOLTS = 2600.0, 3.6


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command(
        epilog="\b\nExamples:\n  asd-edge profile --board nucleo-u575zi-q work/mine\n"
        "  asd-edge profile --board rpi4\n"
        "  asd-edge profile --board rpi4 --host pi@raspberrypi.local work/mine\n"
        "  asd-edge profile --board mine --boards my.yaml work/mine --json"
    )(profile)


def profile(
    board_name: Annotated[str, typer.Option("--board", metavar="B", help="A board that asd-edge boards lists.")],
    work_dir: Annotated[
        Path | None,
        typer.Argument(metavar="WORK", help="Work directory that export wrote. Default: the shipped checkpoint."),
    ] = None,
    host: Annotated[
        str | None, typer.Option(metavar="[USER@]HOST[:PORT]", help="Measure on the board, which SSH reaches there.")
    ] = None,
    boards_file: BoardsFile = None,
    cell_mah: Annotated[
        float, typer.Option(min=1.0, help="Charge of the cell that battery life is for. Default: an 18650 cell's.")
    ] = _CELL_MAH,
    cell_volts: Annotated[float, typer.Option(min=0.1, help="Its nominal voltage.")] = _CELL_VOLTS,
    as_json: Json = False,
) -> None:
    """Say what a model takes on a board: counted on an emulated core and estimated, and where this machine is the board
    or --host reaches it, its time measured too, with the estimate beside it; each figure with its method and band;
    WORK/profile-BOARD.json holds the same.
    """
    import json
    import math
    import os
    import shlex

    from asd_edge.boards import board_named, load_boards_with
    from asd_edge.profiling.profile_board import profile_board
    from asd_edge.profiling.profile_record import Cell, profile_content
    from asd_edge.profiling.profile_tables import layer_table, profile_lines
    from asd_edge.profiling.write_profile import write_profile
    from asd_edge.ssh_host import parse_address

    for option, given in (("--cell-mah", cell_mah), ("--cell-volts", cell_volts)):
        if not math.isfinite(given):
            raise typer.BadParameter(f"{option} {given} is no finite number; give what the cell's label says")
    board = board_named(board_name, load_boards_with(boards_file).boards)
    words = ["asd-edge", "profile", "--board", board_name]
    words += [] if host is None else ["--host", host]
    words += [] if boards_file is None else ["--boards", str(boards_file)]
    words += [] if cell_mah == _CELL_MAH else ["--cell-mah", str(cell_mah)]
    words += [] if cell_volts == _CELL_VOLTS else ["--cell-volts", str(cell_volts)]
    words += [] if work_dir is None else [str(work_dir)]
    address = None if host is None else parse_address(host)
    doing = "building, emulating, counting" if host is None else "building, copying, measuring, counting"
    with interruptible("run the same command again"), progress_bar(doing) as on_progress:
        if work_dir is None:
            from asd_edge.profiling.shipped_work import shipped_work

            cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "asd-edge"
            work_dir = shipped_work(cache, on_progress)
        found = profile_board(board, work_dir, Cell(cell_mah, cell_volts), shlex.join(words), address=address)
        path = write_profile(found, work_dir)
    if as_json:
        typer.echo(json.dumps(profile_content(found), indent=1, allow_nan=False))
        return
    print_tables(layer_table(found))
    typer.echo("\n".join([*profile_lines(found), f"wrote {path}"]))

"""`asd-edge boards`: what is known of the boards, where it stands, and what nobody says."""

from typing import Annotated

import typer

from asd_edge.cli.console import Json, print_tables
from asd_edge.cli.profile import BoardsFile

CHECK = "check"


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command(epilog="\b\nExamples:\n  asd-edge boards rpi4\n  asd-edge boards check --boards my.yaml")(boards)


def boards(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME|check]", help="One board's facts; check: what is unknown or unsourced."),
    ] = None,
    boards_file: BoardsFile = None,
    as_json: Json = False,
) -> None:
    """List the boards, show one with document, revision and page of each fact, or count what is missing."""
    import json

    from asd_edge.boards import board_named, load_boards_with
    from asd_edge.profiling.board_tables import (
        board_content,
        board_table,
        boards_content,
        boards_table,
        check_content,
        check_lines,
        check_table,
    )

    table = load_boards_with(boards_file)
    if name is None:
        content, shown, lines = boards_content(table), boards_table(table), []
    elif name == CHECK:
        content, shown, lines = check_content(table), check_table(table), check_lines(table)
    else:
        board = board_named(name, table.boards)
        content, shown, lines = board_content(board, table.documents), board_table(board, table.documents), []
    if as_json:
        typer.echo(json.dumps(content, indent=1))
        return
    print_tables(shown)
    if lines:
        typer.echo("\n".join(lines))

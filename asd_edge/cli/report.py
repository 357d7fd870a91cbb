"""`asd-edge report` and `compare`: what a work directory holds as one page, and what changed between two."""

import math
from pathlib import Path
from typing import Annotated

import typer

from asd_edge.cli.console import CHANGED_FOR_THE_WORSE, Json, print_tables


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command(
        epilog="\b\nExamples:\n  asd-edge report work/mine\n  asd-edge report work/mine -o report-of-today.html"
    )(report)
    app.command(
        epilog="\b\nExamples:\n  asd-edge compare work/before work/after\n"
        "  asd-edge compare work/before work/after --max-auc-loss 0.2 --json > change.json"
    )(compare)


def report(
    work_dir: Annotated[Path, typer.Argument(metavar="WORK", help="Work directory that export or evaluate wrote.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE.html", help="Default: WORK/report.html")
    ] = None,
) -> None:
    """Write one self-contained page on everything in a work directory, and the same figures as JSON beside it."""
    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise typer.BadParameter(f"{out} is no .html file, beside which the .json of the same name is written")
    from asd_edge.report.write_report import REPORT_FILE, write_report

    written = write_report(work_dir, out or work_dir / REPORT_FILE)
    lines = [*written.remarks]
    lines += [f"not there yet: {absent.what}: {absent.command}" for absent in written.absent]
    typer.echo("\n".join([*lines, str(written.html), str(written.json)]))


def compare(
    before: Annotated[Path, typer.Argument(metavar="A", help="Work directory before the change.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Work directory after the change.")],
    max_auc_loss: Annotated[
        float,
        typer.Option(
            min=0.0, metavar="PP", help="Exit code 1 where B's overall AUC is lower than A's by more percentage points."
        ),
    ] = 0.5,
    as_json: Json = False,
) -> None:
    """Show what changed from A to B: AUC and pAUC on the clips that both scored, with paired intervals on the rung
    closest to the device that both have; sizes; memory and time where both have plans or profiles.
    """
    if not math.isfinite(max_auc_loss):
        raise typer.BadParameter(f"--max-auc-loss {max_auc_loss} is no number of percentage points")
    import json

    from asd_edge.report.compare_works import compare_works, comparison_content
    from asd_edge.report.comparison_tables import comparison_lines, comparison_tables

    found = compare_works(before, after, max_auc_loss)
    if as_json:
        typer.echo(json.dumps(comparison_content(found), indent=1))
    else:
        print_tables(*comparison_tables(found))
        typer.echo("\n".join(comparison_lines(found)))
    if not found.passed:
        raise typer.Exit(CHANGED_FOR_THE_WORSE)

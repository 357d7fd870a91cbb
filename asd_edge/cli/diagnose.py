"""`asd-edge diagnose`: which layer int8 hurts, and which step repairs it."""

from pathlib import Path
from typing import Annotated

import typer

from asd_edge.cli.console import Json, interruptible, print_tables, progress_bar


def add_commands(app: typer.Typer) -> None:
    """Register the command."""
    app.command(
        epilog="\b\nExamples:\n  asd-edge diagnose work/mine --data data/synthetic\n"
        "  asd-edge diagnose work/mine --data data/synthetic --clips 72 --json > diagnosis.json"
    )(diagnose)


def diagnose(
    work_dir: Annotated[Path, typer.Argument(metavar="WORK", help="Work directory that export wrote.")],
    data_dir: Annotated[Path, typer.Option("--data", metavar="DIR", help="Data set, whose test clips are used.")],
    n_clips: Annotated[
        int, typer.Option("--clips", min=2, metavar="N", help="Test clips, spread over machines and labels.")
    ] = 36,
    as_json: Json = False,
) -> None:
    """Rank the layers by the damage that int8 does in them: each alone in int8, and all but each. Writes diagnosis.json
    and diagnosis.svg. It reports on test clips; no export ever reads what it finds."""
    import json

    from asd_edge.diagnose.diagnose_work import diagnose_work
    from asd_edge.diagnose.diagnosis_tables import diagnosis_lines, worst_layers_table
    from asd_edge.diagnose.write_diagnosis import diagnosis_content
    from asd_edge.report.draw_diagnosis import draw_diagnosis

    with interruptible("nothing was written; run the same command again"), progress_bar("diagnosing") as on_progress:
        found = diagnose_work(work_dir, data_dir, n_clips, on_progress)
    picture = draw_diagnosis(found, work_dir)
    if as_json:
        typer.echo(json.dumps(diagnosis_content(found), indent=1))
        return
    print_tables(worst_layers_table(found))
    typer.echo(str(picture))
    typer.echo("\n".join(diagnosis_lines(found, work_dir)))

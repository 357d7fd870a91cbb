"""`asd-edge evaluate`, `explain` and `frontend`: what the model makes of clips, and what int8 cost."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from asd_edge.cli.console import PARITY_FAILED, Json, interruptible, print_tables, progress_bar


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command(
        epilog="\b\nExamples:\n  asd-edge evaluate work/mine --data data/synthetic\n"
        "  asd-edge evaluate work/mine --data data/synthetic --backends torch,tflite --json > result.json\n"
        "  asd-edge evaluate work/mine --data data/synthetic --backends host,ssh:pi@raspberrypi.local/engine"
    )(evaluate)
    app.command(
        epilog="\b\nExamples:\n  asd-edge explain data/synthetic/fan/test/anomaly_id_00_00000000.wav --work work/mine\n"
        "  asd-edge explain data/synthetic/fan --work work/mine -o figures"
    )(explain)
    app.command(epilog="\b\nExample:\n  asd-edge frontend clip.wav --compare -o figures")(frontend)


def evaluate(
    work_dir: Annotated[Path, typer.Argument(help="Work directory that export wrote.")],
    data_dir: Annotated[Path, typer.Option("--data", help="Data set; every test clip is scored on every rung.")],
    backends: Annotated[
        str | None,
        typer.Option(
            metavar="RUNG,...",
            help="torch,onnx,tflite,reference,host, emulator:BOARD, serial:PORT[@BAUD], ssh:HOST/engine, "
            "ssh:HOST/litert, ssh:HOST/edgetpu. Default: the first five.",
        ),
    ] = None,
    sqnr: Annotated[bool, typer.Option("--sqnr", help="Signal-to-quantization-noise ratio per layer too.")] = False,
    tensors: Annotated[
        bool, typer.Option("--tensors", help="Compare reference and host layer by layer too, over 16 of the clips.")
    ] = False,
    frontend: Annotated[Literal["float", "fixed"] | None, typer.Option(help="Default: fixed from tflite on.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap that gives the intervals.")] = 0,
    as_json: Json = False,
) -> None:
    """Score the test clips on every rung: AUC, pAUC, mAUC and what int8 cost. Interrupted, the same command goes on."""
    import json

    from asd_edge.evaluate.evaluate_work import evaluate_work
    from asd_edge.evaluate.result_tables import result_tables
    from asd_edge.evaluate.summary_lines import summary_lines
    from asd_edge.evaluate.write_evaluation import evaluation_content

    rungs = () if backends is None else [name.strip() for name in backends.split(",")]
    with (
        interruptible("run the same command again; it goes on after the last clip scored"),
        progress_bar("reading, then scoring clips") as on_progress,
    ):
        found = evaluate_work(work_dir, data_dir, rungs, seed, sqnr, frontend, on_progress, on_progress)
    if as_json:
        typer.echo(json.dumps(evaluation_content(found), indent=1))
    else:
        print_tables(*result_tables(found))
        typer.echo("\n".join(summary_lines(found, work_dir)))
    if tensors:
        from asd_edge.evaluate.compare_tensors import compare_tensors_of_set

        with progress_bar("comparing tensors") as on_progress:
            lines = compare_tensors_of_set(work_dir, data_dir, on_progress)
        typer.echo("\n".join(lines), err=as_json)
    if not found.verdict.passed:
        raise typer.Exit(PARITY_FAILED)


def explain(
    source: Annotated[
        Path,
        typer.Argument(metavar="CLIP", help="A clip, a folder of clips, or a data set, whose test clips are read."),
    ],
    work_dir: Annotated[Path, typer.Option("--work", help="Work directory that holds the checkpoint.")],
    out_dir: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder to write into. Default: the work directory.")
    ] = None,
) -> None:
    """Draw what the attention looks at: log-Mel, Wavegram, map and product of a clip; over a folder mean and deviation
    of the map, and both per mel band."""
    from asd_edge.report.explain import explain

    with interruptible("run the same command again"), progress_bar("explaining clips") as on_progress:
        paths = explain(source, work_dir, out_dir or work_dir, on_progress)
    typer.echo("\n".join(str(path) for path in paths))


def frontend(
    clip: Annotated[Path, typer.Argument(help="A clip of 10 s.")],
    compare: Annotated[bool, typer.Option("--compare", help="Error per band, and a picture of all three.")] = False,
    out_dir: Annotated[Path, typer.Option("-o", "--out", help="Folder for the picture.")] = Path(),
) -> None:
    """The fixed-point log-Mel of a clip against float64."""
    from asd_edge.report.frontend_comparison import band_lines, compare_frontends, draw_comparison

    comparison = compare_frontends(clip)
    lines = band_lines(comparison)
    typer.echo("\n".join(lines if compare else (lines[0], lines[-1])))
    if compare:
        path = out_dir / f"frontend-{clip.stem}.png"
        draw_comparison(comparison, clip.name, path)
        typer.echo(str(path))

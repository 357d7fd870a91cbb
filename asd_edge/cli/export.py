"""`asd-edge export`: a checkpoint -> an int8 model."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from asd_edge.cli.console import Json, interruptible, progress_bar


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command(
        epilog="\b\nExamples:\n  asd-edge export --calibration data/synthetic -o work/shipped\n"
        "  asd-edge export --checkpoint work/mine --calibration data/synthetic -o work/mine\n"
        "  asd-edge export --recipe best --calibration data/synthetic -o work/best\n"
        "  asd-edge export --target coral --calibration data/synthetic -o work/coral\n"
        "  asd-edge export --recipe my.yaml --calibration-clips 128 --calibration clips -o work/mine\n"
        "  asd-edge export --onnx my.onnx --detector work/mine/detector.safetensors --calibration clips -o work/onnx"
    )(export)


def export(
    calibration: Annotated[
        Path, typer.Option(metavar="DIR", help="Normal clips: a data set (train/normal_* are read) or a flat folder.")
    ],
    work_dir: Annotated[Path, typer.Option("-o", "--out", metavar="WORK", help="Work directory to write.")],
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="C", help="Folder, .safetensors or .ckpt. Default: the shipped one (synthetic machines)."),
    ] = None,
    onnx_file: Annotated[
        Path | None,
        typer.Option("--onnx", metavar="FILE", help="Your own network: log_mel, if any wavegram_fir, one output."),
    ] = None,
    detector: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --onnx: the detector.safetensors to take the head from.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="T", help="What will run it: mcu (the default), litert, coral or ethos-u."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Steps of quantization: fast, best or a YAML file. Default: the target's or fast.",
        ),
    ] = None,
    calibration_clips: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Normal clips to calibrate with. Default: the recipe's, 64.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Convert a checkpoint to int8: model.onnx, model.tflite, detector.safetensors, export.json."""
    if onnx_file is not None and checkpoint is not None:
        raise typer.BadParameter("--checkpoint and --onnx name two networks: give one")
    if onnx_file is None and detector is not None:
        raise typer.BadParameter("--detector goes with --onnx; a checkpoint has its own head")
    from asd_edge.export.export_record import record_text
    from asd_edge.export.summary_lines import summary_lines
    from asd_edge.export.targets.target import MCU, find_target
    from quantization.recipe import DEFAULT_RECIPE, load_recipe

    found = MCU if target is None else find_target(target)
    steps = load_recipe(recipe or target or DEFAULT_RECIPE)
    if calibration_clips is not None:
        steps = replace(steps, calibration_clips=calibration_clips)
    with (
        interruptible("nothing was written; run the same command again"),
        progress_bar("reading, then calibrating") as on_progress,
    ):
        if onnx_file is not None:
            from asd_edge.export.export_onnx_file import export_onnx_file

            record = export_onnx_file(onnx_file, detector, calibration, work_dir, on_progress, steps, found)
        else:
            from asd_edge.export.export_checkpoint import export_checkpoint
            from asd_edge.model.checkpoint import shipped_checkpoint

            source = checkpoint or shipped_checkpoint()
            record = export_checkpoint(source, calibration, work_dir, on_progress, steps, found)
    typer.echo(record_text(record).rstrip() if as_json else "\n".join(summary_lines(record, work_dir)))

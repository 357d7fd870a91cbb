"""`asd-edge compile` and `asd-edge image`: an int8 model -> the image that a board runs, and what images hold."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from asd_edge.cli.console import Json, print_tables, progress_bar

image = typer.Typer(help="Inspect, check and run model images.", no_args_is_help=True)
ImageFile = Annotated[Path, typer.Argument(metavar="IMAGE", help="A file that asd-edge compile wrote.")]


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command(
        "compile",
        epilog="\b\nExamples:\n  asd-edge compile work/mine --board mps2-an386\n"
        "  asd-edge compile work/mine --sliding\n"
        "  asd-edge compile --tflite theirs.tflite --as c-array -o theirs.c",
    )(compile_model)
    app.add_typer(image, name="image")


def compile_model(
    work_dir: Annotated[Path | None, typer.Argument(metavar="WORK", help="Work directory that export wrote.")] = None,
    tflite: Annotated[Path | None, typer.Option(metavar="FILE", help="Any int8 .tflite, without a detector.")] = None,
    board_name: Annotated[str, typer.Option("--board", metavar="B", help="A board of boards.yaml.")] = "host",
    core_name: Annotated[
        str | None, typer.Option("--core", metavar="CORE", help="generic, dsp or mve. Default: the board's.")
    ] = None,
    sliding: Annotated[
        bool, typer.Option("--sliding", help="One stream without end, a score every few hops, instead of windows.")
    ] = False,
    kind: Annotated[
        Literal["image", "c-array"], typer.Option("--as", help="A model image, or a C file that holds one.")
    ] = "image",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="Default: WORK/model-CORE[-sliding].asdm or .c")
    ] = None,
    as_json: Json = False,
) -> None:
    """Plan the streaming of an int8 model and write its image; refused, with the numbers, where it doesn't fit."""
    if (work_dir is None) == (tflite is None):
        raise typer.BadParameter("give a work directory or --tflite")
    if tflite is not None and out is None:
        raise typer.BadParameter("--tflite needs -o")
    import json

    from asd_edge.boards import board_named
    from asd_edge.compiler.check_budget import check_budget, check_core
    from asd_edge.compiler.compile_network import compile_tflite, compile_work, core_named
    from asd_edge.compiler.plan_report import plan_report, plan_table, report_content, summary_lines
    from asd_edge.compiler.read_image import read_image
    from asd_edge.compiler.write_image import write_c_array, write_image

    board = board_named(board_name)
    core = core_named(core_name or board.kernels)
    check_core(core, board)
    if tflite is not None:
        compiled = compile_tflite(tflite, core, sliding)
    else:
        assert work_dir is not None, "checked above"
        with progress_bar("spreading the steps over the hops") as on_progress:
            compiled = compile_work(work_dir, core, sliding, on_progress)
    report = plan_report(read_image(compiled.content))
    budget = check_budget(report, board)
    suffix = "c" if kind == "c-array" else "asdm"
    path = out or (work_dir or Path()) / f"model-{core.name.lower()}{'-sliding' if sliding else ''}.{suffix}"
    as_words = json.dumps({**report_content(report), "ram_bytes": budget.total, "board": board.name}, indent=1)
    table, summary = plan_table(report), [*summary_lines(report), f"RAM {budget.total:,} bytes: {budget.in_words()}"]
    (write_c_array if kind == "c-array" else write_image)(compiled.content, path)
    if as_json:
        typer.echo(as_words)
        return
    print_tables(table)
    typer.echo("\n".join([*summary, f"wrote {path}"]))


@image.command(epilog="\b\nExample:\n  asd-edge image info work/mine/model-generic.asdm")
def info(path: ImageFile, as_json: Json = False) -> None:
    """Print header, plan and totals."""
    import json

    from asd_edge.compiler.check_image import load_checked_image
    from asd_edge.compiler.plan_report import plan_report, plan_table, report_content, summary_lines

    found = load_checked_image(path)
    report = plan_report(found)
    if as_json:
        typer.echo(json.dumps({**report_content(report), "labels": list(found.labels)}, indent=1))
        return
    print_tables(plan_table(report))
    score = "a network alone" if report.kind == "network" else f"{report.kind} detector of {len(found.labels)} machines"
    typer.echo("\n".join([*summary_lines(report), score, f"source {report.source_sha256}"]))


@image.command(epilog="\b\nExample:\n  asd-edge image verify work/mine/model-generic.asdm")
def verify(path: ImageFile) -> None:
    """Check an image as a device does before it runs it."""
    from asd_edge.compiler.check_image import load_checked_image

    found = load_checked_image(path)
    typer.echo(f"{path}: a whole image of {len(found.content):,} bytes, checksum {int(found.header['crc32']):08x}")


@image.command(epilog="\b\nExample:\n  asd-edge image run theirs.asdm --input x.npy --output y.npy")
def run(
    path: ImageFile,
    inputs: Annotated[
        list[Path], typer.Option("--input", metavar="X.NPY", help="int8 [1, time, mel, channels]; one for each input.")
    ],
    output: Annotated[Path, typer.Option(metavar="Y.NPY", help="Where to write the output, likewise.")],
) -> None:
    """Run the network of an image on raw int8 tensors, column by column."""
    from asd_edge.compiler.run_image import run_image_file

    shape = run_image_file(path, inputs, output)
    typer.echo(f"wrote {output}: int8 {list(shape)}")

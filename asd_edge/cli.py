"""The command line: words in, stages called, tables and one-line errors out; the only module that prints and exits.

Each command imports its stages when it runs, so that `asd-edge --help` loads neither NumPy nor torch.
Exit codes: 0 done, 1 the parity verdict of `evaluate` failed, 2 bad input or usage, 130 interrupted.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from asd_edge import __version__
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import AsdEdgeError

PARITY_FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130
WIDEST_TABLE = 200  # characters
HOST_PACKAGES = (
    "flatbuffers",
    "lightning",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "requests",
    "scipy",
    "sklearn",
    "threadpoolctl",
    "torch",
)

app = typer.Typer(
    help="Anomalous sound detection: from a folder of machine sounds to an int8 model, and the AUC that int8 kept.",
    epilog="\b\nIn this order:\n  asd-edge data synth data/synthetic\n  asd-edge train data/synthetic -o work/mine\n"
    "  asd-edge export --checkpoint work/mine --calibration data/synthetic -o work/mine\n"
    "  asd-edge evaluate work/mine --data data/synthetic",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data = typer.Typer(help="Get clips: synthetic machines, DCASE 2020 Task 2, the MIMII sample.", no_args_is_help=True)
app.add_typer(data, name="data")

ONLY_TYPE = "Only this machine type; may be repeated."
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; its exit code. A bug's exception passes through with its traceback."""
    try:
        code = app(arguments, prog_name="asd-edge", standalone_mode=False)
    except AsdEdgeError as error:
        return _fail(str(error))
    except typer.TyperException as error:
        return _fail_usage(error)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in HOST_PACKAGES:
            raise
        return _fail(
            f"{error.name} is not installed; this command needs the workstation side: pip install 'asd-edge[host]'"
        )
    return int(code or 0)


def _fail(message: str) -> int:
    typer.echo(f"error: {' '.join(message.split())}", err=True)
    return BAD_INPUT


def _fail_usage(error: typer.TyperException) -> int:
    message = error.format_message()
    if message.startswith("Usage:"):  # no arguments at all: the help is the message
        typer.echo(message, err=True)
        return BAD_INPUT
    context: typer.Context | None = getattr(error, "ctx", None)
    return _fail(f"{message.rstrip('.')}; see {context.command_path if context else 'asd-edge'} --help")


@contextmanager
def _interruptible(how_to_go_on: str) -> Iterator[None]:
    """Ctrl-C becomes one line that says how to go on, and exit code 130."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as stop:
        if isinstance(stop, SystemExit) and not isinstance(stop.__context__, KeyboardInterrupt):
            raise  # Lightning leaves by SystemExit when it is interrupted; any other is not ours
        typer.echo(f"interrupted: {how_to_go_on}", err=True)
        raise typer.Exit(INTERRUPTED) from stop


@contextmanager
def _progress_bar(words: str) -> Iterator[ProgressFn]:
    """A bar on stderr while the block runs, if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield ignore_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(words, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _print_tables(*tables: object) -> None:
    """Each as wide as it needs: a pipe or a narrow terminal never breaks a line inside a cell."""
    from rich.console import Console

    console = Console()
    Console(width=max(console.width, WIDEST_TABLE)).print(*tables)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"asd-edge {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that stand before the command."""


@data.command(
    epilog="\b\nExamples:\n  asd-edge data synth data/synthetic\n"
    "  asd-edge data synth data/small --machine-type fan --train 6"
)
def synth(
    out_dir: Annotated[Path, typer.Argument(help="Folder to write, in the layout of DCASE 2020 Task 2.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 2020,
    train: Annotated[int, typer.Option(help="Normal training clips per machine ID.")] = 30,
    test_normal: Annotated[int, typer.Option(help="Normal test clips per machine ID.")] = 50,
    test_anomaly: Annotated[int, typer.Option(help="Anomalous test clips per machine ID.")] = 50,
    machine_type: Annotated[list[str] | None, typer.Option(metavar="TYPE", help=ONLY_TYPE)] = None,
) -> None:
    """Write synthetic machines: six types, three IDs each, normal and anomalous. A smaller count gives the first clips
    of the larger set."""
    from asd_edge.clip.synthesize.config import MACHINE_IDS, SynthConfig
    from asd_edge.clip.synthesize.dataset import write_synthetic_dataset

    config = SynthConfig(
        seed=seed,
        n_train=train,
        n_test_normal=test_normal,
        n_test_anomaly=test_anomaly,
        machine_types=tuple(machine_type or MACHINE_IDS),
    )
    with _interruptible("run the same command again"), _progress_bar("synthesizing") as on_progress:
        paths = write_synthetic_dataset(out_dir, config, on_progress)
    typer.echo(f"{out_dir}: {len(paths)} clips of {len(config.machine_types)} machine types, seed {seed}")


@data.command(
    epilog="\b\nExamples:\n  asd-edge data download dcase2020 -o data/dcase2020\n"
    "  asd-edge data download dcase2020 -o data/dcase2020 --set additional_train --machine-type fan"
)
def download(
    data_set: Annotated[Literal["dcase2020"], typer.Argument(help="DCASE 2020 Task 2, CC BY-NC-SA 4.0.")],
    out_dir: Annotated[Path, typer.Option("-o", "--out", help="Folder to unpack into.")] = Path("data/dcase2020"),
    archive_set: Annotated[
        list[str], typer.Option("--set", metavar="SET", help="dev, additional_train or evaluation; may be repeated.")
    ] = ["dev"],  # noqa: B006 (typer copies it)
    machine_type: Annotated[list[str] | None, typer.Option(metavar="TYPE", help=ONLY_TYPE)] = None,
    base_url: Annotated[str | None, typer.Option(metavar="URL", help="A mirror of Zenodo's records.")] = None,
    keep_archives: Annotated[bool, typer.Option("--keep-archives", help="Keep the zip files.")] = False,
) -> None:
    """Fetch a data set, check its MD5 and unpack it. Called again, it goes on where it stopped."""
    from asd_edge.clip.download import ZENODO_URL, fetch_archive, list_archives, unpack_archive

    chosen = [archive for name in archive_set for archive in list_archives(name, machine_type or ())]
    with _interruptible("run the same command again; it goes on where it stopped"):
        for archive in chosen:
            with _progress_bar(f"downloading {archive.file}") as on_progress:
                fetch_archive(archive, out_dir, base_url or ZENODO_URL, on_progress)
            with _progress_bar(f"unpacking {archive.file}") as on_progress:
                unpack_archive(archive, out_dir, on_progress, keep_archives)
            typer.echo(f"{archive.file}: in {out_dir / archive.machine_type}")


@data.command("mimii-sample", epilog="\b\nExample:\n  asd-edge data mimii-sample --from data/mimii data/mimii-sample")
def mimii_sample(
    out_dir: Annotated[Path, typer.Argument(help="Folder to write, in the layout of DCASE 2020 Task 2.")],
    mimii_root: Annotated[Path, typer.Option("--from", help="Folder into which MIMII's -6 dB archives were unpacked.")],
) -> None:
    """Rebuild the sample of real machine sounds that tests and benchmarks use, each clip checked by MD5."""
    from asd_edge.clip.mimii_sample import rebuild_mimii_sample

    with _interruptible("run the same command again"), _progress_bar("cutting clips") as on_progress:
        paths = rebuild_mimii_sample(mimii_root, out_dir, on_progress)
    typer.echo(f"{out_dir}: {len(paths)} clips; tests use them with ASD_EDGE_MIMII={out_dir.resolve()}")


@app.command(
    epilog="\b\nExamples:\n  asd-edge train data/synthetic -o work/mine\n"
    "  asd-edge train data/dcase2020 -o work/narrow --width 0.5 --epochs 100 --devices 4\n"
    "  asd-edge train data/dcase2020/ToyCar -o work/toy-car --architecture autoencoder"
)
def train(
    data_dir: Annotated[Path, typer.Argument(help="Data set; its normal training clips are used, channel 0 of each.")],
    work_dir: Annotated[Path, typer.Option("-o", "--out", help="Work directory to write the checkpoint into.")],
    architecture: Annotated[Literal["reference", "autoencoder"], typer.Option(help="Network.")] = "reference",
    features: Annotated[Literal["both", "log_mel", "wavegram"], typer.Option(help="What it hears.")] = "both",
    attention: Annotated[bool, typer.Option(help="Weigh the features by a learned map.")] = True,
    separable_attention: Annotated[bool, typer.Option(help="Separable convolutions in the attention.")] = True,
    separable_wavegram: Annotated[bool, typer.Option(help="Separable Wavegram; a full one can't be exported.")] = True,
    width: Annotated[float, typer.Option(help="Factor on all channel counts.")] = 1.0,
    embedding_size: Annotated[int, typer.Option(help="Values in the embedding.")] = 128,
    loss: Annotated[Literal["arcface", "arcmix", "noisy-arcmix"], typer.Option(help="Angular loss.")] = "noisy-arcmix",
    epochs: Annotated[int | None, typer.Option(help="Default: 25; 100 for the autoencoder.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Default: 8 clips, 512 vectors for the autoencoder.")] = None,
    learning_rate: Annotated[float, typer.Option(help="At its highest.")] = 1e-3,
    validation_share: Annotated[
        float, typer.Option(help="Share of each machine's recordings that chooses the epoch.", show_default="1/6")
    ] = 1 / 6,
    seed: Annotated[int, typer.Option(help="The same seed gives the same weights on the same machine.")] = 0,
    devices: Annotated[int, typer.Option(help="Passed on to Lightning.")] = 1,
    num_nodes: Annotated[int, typer.Option(help="Passed on to Lightning.")] = 1,
    precision: Annotated[str, typer.Option(help="Passed on to Lightning, for example bf16-mixed.")] = "32-true",
) -> None:
    """Train a detector on normal clips. Interrupted, the same command goes on after the last whole epoch."""
    from dataclasses import replace

    from asd_edge.frontend.config import FrontendConfig
    from asd_edge.model.config import AUTOENCODER, HeadConfig, ModelConfig
    from asd_edge.train.config import default_train_config
    from asd_edge.train.train_model import train_model

    model = ModelConfig(
        architecture, features, attention, separable_attention, separable_wavegram, width, embedding_size
    )
    default = default_train_config(architecture)
    config = replace(
        default,
        epochs=default.epochs if epochs is None else epochs,
        batch_size=default.batch_size if batch_size is None else batch_size,
        learning_rate=learning_rate,
        loss=default.loss if architecture == AUTOENCODER else loss,
        validation_share=validation_share,
        seed=seed,
        devices=devices,
        num_nodes=num_nodes,
        precision=precision,
    )

    def on_epoch(done: int, total: int, validation_loss: float) -> None:
        typer.echo(f"epoch {done} of {total}: validation loss {validation_loss:.4f}")

    with (
        _interruptible("run the same command again; it goes on after the last whole epoch"),
        _progress_bar("reading clips, then training") as on_progress,
    ):
        checkpoint = train_model(
            data_dir, work_dir, model, HeadConfig(), FrontendConfig(), config, on_progress, on_progress, on_epoch
        )
    typer.echo(
        f"{work_dir}: checkpoint of epoch {int(checkpoint.training['best_epoch']) + 1}, {len(checkpoint.split.train)} "
        f"clips trained and {len(checkpoint.split.validation)} validated, {len(checkpoint.labels.machines)} machines"
    )


@app.command(
    epilog="\b\nExamples:\n  asd-edge export --calibration data/synthetic -o work/shipped\n"
    "  asd-edge export --checkpoint work/mine --calibration data/synthetic -o work/mine\n"
    "  asd-edge export --onnx my.onnx --detector work/mine/detector.safetensors --calibration clips -o work/onnx"
)
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
    as_json: Json = False,
) -> None:
    """Convert a checkpoint to int8: model.onnx, model.tflite, detector.safetensors, export.json."""
    if onnx_file is not None and checkpoint is not None:
        raise typer.BadParameter("--checkpoint and --onnx name two networks: give one")
    if onnx_file is None and detector is not None:
        raise typer.BadParameter("--detector goes with --onnx; a checkpoint has its own head")
    from asd_edge.export.export_record import record_text
    from asd_edge.export.summary_lines import summary_lines

    with (
        _interruptible("nothing was written; run the same command again"),
        _progress_bar("reading, then calibrating") as on_progress,
    ):
        if onnx_file is not None:
            from asd_edge.export.export_onnx_file import export_onnx_file

            record = export_onnx_file(onnx_file, detector, calibration, work_dir, on_progress)
        else:
            from asd_edge.export.export_checkpoint import export_checkpoint
            from asd_edge.model.checkpoint import shipped_checkpoint

            record = export_checkpoint(checkpoint or shipped_checkpoint(), calibration, work_dir, on_progress)
    typer.echo(record_text(record).rstrip() if as_json else "\n".join(summary_lines(record, work_dir)))


@app.command(
    epilog="\b\nExamples:\n  asd-edge evaluate work/mine --data data/synthetic\n"
    "  asd-edge evaluate work/mine --data data/synthetic --backends torch,tflite --json > result.json"
)
def evaluate(
    work_dir: Annotated[Path, typer.Argument(help="Work directory that export wrote.")],
    data_dir: Annotated[Path, typer.Option("--data", help="Data set; every test clip is scored on every rung.")],
    backends: Annotated[
        str | None,
        typer.Option(metavar="RUNG,...", help="torch,onnx,tflite,reference. Default: all that the directory has."),
    ] = None,
    sqnr: Annotated[bool, typer.Option("--sqnr", help="Signal-to-quantization-noise ratio per layer too.")] = False,
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
        _interruptible("run the same command again; it goes on after the last clip scored"),
        _progress_bar("reading, then scoring clips") as on_progress,
    ):
        found = evaluate_work(work_dir, data_dir, rungs, seed, sqnr, frontend, on_progress, on_progress)
    if as_json:
        typer.echo(json.dumps(evaluation_content(found), indent=1))
    else:
        _print_tables(*result_tables(found))
        typer.echo("\n".join(summary_lines(found, work_dir)))
    if not found.verdict.passed:
        raise typer.Exit(PARITY_FAILED)


@app.command(
    epilog="\b\nExamples:\n  asd-edge explain data/synthetic/fan/test/anomaly_id_00_00000000.wav --work work/mine\n"
    "  asd-edge explain data/synthetic/fan --work work/mine -o figures"
)
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

    with _interruptible("run the same command again"), _progress_bar("explaining clips") as on_progress:
        paths = explain(source, work_dir, out_dir or work_dir, on_progress)
    typer.echo("\n".join(str(path) for path in paths))


@app.command(epilog="\b\nExample:\n  asd-edge frontend clip.wav --compare -o figures")
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

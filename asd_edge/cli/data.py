"""`asd-edge data`: get clips."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from asd_edge.cli.console import interruptible, progress_bar

app = typer.Typer(help="Get clips: synthetic machines, DCASE 2020 Task 2, the MIMII sample.", no_args_is_help=True)

ONLY_TYPE = "Only this machine type; may be repeated."


@app.command(
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
    with interruptible("run the same command again"), progress_bar("synthesizing") as on_progress:
        paths = write_synthetic_dataset(out_dir, config, on_progress)
    typer.echo(f"{out_dir}: {len(paths)} clips of {len(config.machine_types)} machine types, seed {seed}")


@app.command(
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
    with interruptible("run the same command again; it goes on where it stopped"):
        for archive in chosen:
            with progress_bar(f"downloading {archive.file}") as on_progress:
                fetch_archive(archive, out_dir, base_url or ZENODO_URL, on_progress)
            with progress_bar(f"unpacking {archive.file}") as on_progress:
                unpack_archive(archive, out_dir, on_progress, keep_archives)
            typer.echo(f"{archive.file}: in {out_dir / archive.machine_type}")


@app.command("mimii-sample", epilog="\b\nExample:\n  asd-edge data mimii-sample --from data/mimii data/mimii-sample")
def mimii_sample(
    out_dir: Annotated[Path, typer.Argument(help="Folder to write, in the layout of DCASE 2020 Task 2.")],
    mimii_root: Annotated[Path, typer.Option("--from", help="Folder into which MIMII's -6 dB archives were unpacked.")],
) -> None:
    """Rebuild the sample of real machine sounds that tests and benchmarks use, each clip checked by MD5."""
    from asd_edge.clip.mimii_sample import rebuild_mimii_sample

    with interruptible("run the same command again"), progress_bar("cutting clips") as on_progress:
        paths = rebuild_mimii_sample(mimii_root, out_dir, on_progress)
    typer.echo(f"{out_dir}: {len(paths)} clips; tests use them with ASD_EDGE_MIMII={out_dir.resolve()}")

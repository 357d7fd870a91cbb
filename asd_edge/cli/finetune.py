"""`asd-edge finetune`: a checkpoint learns new machines, or an exported network learns to live with int8."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from asd_edge.cli.console import interruptible, progress_bar


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command(
        epilog="\b\nExamples:\n  asd-edge finetune data/new-fan -o work/with-new-fan\n"
        "  asd-edge finetune data/mimii -o work/mimii --forget\n"
        "  asd-edge finetune work/mimii --quantized --data data/mimii"
    )(finetune)


def finetune(
    source: Annotated[
        Path, typer.Argument(metavar="DATA|WORK", help="Data set with normal clips; with --quantized a work directory.")
    ],
    work_dir: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="WORK", help="Work directory to write the checkpoint into.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="C", help="Where to start. Default: the shipped one (synthetic machines).")
    ] = None,
    part: Annotated[
        Literal["head", "all"] | None,
        typer.Option(
            "--train",
            help="New rows of the head, or the network too, held by old machines. Default: head, with --forget all.",
        ),
    ] = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Keep the network but not its machines: the new table is DATA's alone.")
    ] = False,
    epochs: Annotated[
        int | None, typer.Option(help="Default: 200 for the head, which takes seconds; 10 for all; 4 with --quantized.")
    ] = None,
    learning_rate: Annotated[float, typer.Option(help="At its highest; for all.")] = 2e-4,
    batch_size: Annotated[int, typer.Option(help="Clips; for all.")] = 8,
    validation_share: Annotated[
        float, typer.Option(help="Share of each new machine's recordings that chooses the epoch.", show_default="1/6")
    ] = 1 / 6,
    seed: Annotated[int, typer.Option(help="The same seed gives the same weights on the same machine.")] = 0,
    quantized: Annotated[
        bool, typer.Option("--quantized", help="Distil the float network into its int8 form; rewrites model.tflite.")
    ] = False,
    data_dir: Annotated[
        Path | None, typer.Option("--data", metavar="DATA", help="With --quantized: normal clips, as for export.")
    ] = None,
) -> None:
    """Teach a trained detector new machines from their normal clips, or its int8 form to follow the float network."""
    if quantized:
        if data_dir is None:
            raise typer.BadParameter("--quantized distils over normal clips: name them with --data")
        _finetune_int8(source, data_dir, epochs)
        return
    if data_dir is not None:
        raise typer.BadParameter("--data goes with --quantized; else the data set is the argument itself")
    if work_dir is None:
        raise typer.BadParameter("a new checkpoint needs a work directory: give -o WORK")
    from asd_edge.model.checkpoint import load_checkpoint, shipped_checkpoint
    from asd_edge.train.config import TrainConfig
    from asd_edge.train.finetune_model import ALL, BEFORE_TRAINING, DEFAULT_EPOCHS, HEAD, SHARE, finetune_model

    trained: str = part or (ALL if forget else HEAD)
    config = TrainConfig(
        epochs=DEFAULT_EPOCHS[trained] if epochs is None else epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        validation_share=validation_share,
        seed=seed,
    )
    start = load_checkpoint(checkpoint or shipped_checkpoint())

    def on_epoch(done: int, total: int, validation_loss: float) -> None:
        typer.echo(f"epoch {done} of {total}: validation loss {validation_loss:.4f}")

    with (
        interruptible("run the same command again; it goes on after the last whole epoch"),
        progress_bar("reading clips, then training") as on_progress,
    ):
        tuned = finetune_model(source, work_dir, start, trained, forget, config, on_progress, on_progress, on_epoch)
    old = set() if forget else set(start.labels.machines)
    new = [machine for machine in tuned.labels.machines if machine not in old]
    best = int(tuned.training["best_epoch"])
    epoch = "before any training" if best == BEFORE_TRAINING else f"of epoch {best + 1}"
    typer.echo(
        f"{work_dir}: checkpoint {epoch}, validation loss {tuned.training['validation_loss']:.4f}; "
        f"{len(old)} machines kept, {len(new)} added: {', '.join(new) or 'none'}"
    )
    if tuned.centres is None and old:
        typer.echo(
            "old machines' scores may move: neither the checkpoint nor DATA tells where the clips of all of them lie; "
            "add their normal clips to DATA, and they move less"
        )
    share = float(tuned.training.get(SHARE, 1))
    if share < 1:
        typer.echo(f"the network went {share:.0%} of its way: as far as old scores and the validation loss let it")


def _finetune_int8(work_dir: Path, data_dir: Path, epochs: int | None) -> None:
    from asd_edge.export.finetune_work import finetune_work
    from asd_edge.export.summary_lines import summary_lines

    with (
        interruptible("nothing was written; run the same command again"),
        progress_bar("reading, then distilling") as on_progress,
    ):
        record = finetune_work(work_dir, data_dir, epochs, on_progress)
    typer.echo("\n".join(summary_lines(record, work_dir)))

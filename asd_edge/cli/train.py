"""`asd-edge train`: clips -> a checkpoint."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from asd_edge.cli.console import interruptible, progress_bar


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command(
        epilog="\b\nExamples:\n  asd-edge train data/synthetic -o work/mine\n"
        "  asd-edge train data/dcase2020 -o work/narrow --width 0.5 --epochs 100 --devices 4\n"
        "  asd-edge train data/dcase2020/ToyCar -o work/toy-car --architecture autoencoder"
    )(train)


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
        interruptible("run the same command again; it goes on after the last whole epoch"),
        progress_bar("reading clips, then training") as on_progress,
    ):
        checkpoint = train_model(
            data_dir, work_dir, model, HeadConfig(), FrontendConfig(), config, on_progress, on_progress, on_epoch
        )
    typer.echo(
        f"{work_dir}: checkpoint of epoch {int(checkpoint.training['best_epoch']) + 1}, {len(checkpoint.split.train)} "
        f"clips trained and {len(checkpoint.split.validation)} validated, {len(checkpoint.labels.machines)} machines"
    )

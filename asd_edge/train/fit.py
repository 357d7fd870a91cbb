"""Trains a module with Lightning inside WORK/training and gives back its best epoch, chosen by validation loss.

The folder holds log.csv and, until the checkpoint is written, the state to resume from, which is written after each
epoch; resuming gives the weights that an uninterrupted run gives.
"""

import dataclasses
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor

from asd_edge import __version__
from asd_edge.clip.atomic_write import write_text_atomically
from asd_edge.clip.progress import ProgressFn
from asd_edge.errors import TrainingError, WorkDirectoryError
from asd_edge.model.checkpoint import Checkpoint, Weights, write_checkpoint
from asd_edge.train.config import TrainConfig
from asd_edge.train.data_module import TrainingData
from asd_edge.train.epoch_log import SECONDS, EpochFn, EpochLog, read_log
from asd_edge.train.lightning_modules import VALIDATION_LOSS, AutoencoderTraining, DetectorTraining

TRAINING_FOLDER, LOG_FILE = "training", "log.csv"
_STATE, _BEST, _SETTINGS = "last.ckpt", "best.ckpt", "settings.json"


@dataclasses.dataclass(frozen=True)
class BestEpoch:
    """The weights of `epoch`, counted from 0; `seconds` is what all epochs took."""

    weights: Weights
    epoch: int
    validation_loss: float
    seconds: int
    is_global_zero: bool  # whether this process writes the checkpoint; with several devices one of them does


def fit(
    module: DetectorTraining | AutoencoderTraining,
    batches: TrainingData,
    config: TrainConfig,
    work_dir: Path,
    settings: str,
    on_batch: ProgressFn,
    on_epoch: EpochFn,
) -> BestEpoch:
    """Train, or go on where an interrupted training stopped; `settings` is everything that decides the weights.

    Raises WorkDirectoryError for a folder that holds another training, TrainingError for a device or precision that
    Lightning refuses and for a loss that is no longer finite.
    """
    folder = work_dir / TRAINING_FOLDER
    state = folder / _STATE
    with _quiet_lightning():
        try:
            trainer = _trainer(config, folder, on_batch, on_epoch)
        except (ValueError, MisconfigurationException) as error:
            raise TrainingError(f"{error}; choose other --devices, --num-nodes or --precision") from error
        _claim(folder, settings)
        # the state is this function's own file of an earlier run, and weights_only admits nothing but tensors
        trainer.fit(module, batches, ckpt_path=str(state) if state.is_file() else None, weights_only=True)
    if trainer.interrupted:
        raise KeyboardInterrupt
    best = torch.load(folder / _BEST, map_location="cpu", weights_only=True)
    log = read_log(folder / LOG_FILE)
    row = next((row for row in log if row["epoch"] == str(best["epoch"])), None)
    if row is None:
        raise WorkDirectoryError(f"{folder / LOG_FILE}: lacks epoch {best['epoch']}; train again in another folder")
    seconds = round(sum(float(row[SECONDS]) for row in log))
    weights = _weights(best["state_dict"])
    return BestEpoch(weights, best["epoch"], float(row[VALIDATION_LOSS]), seconds, trainer.is_global_zero)


def write_best(checkpoint: Checkpoint, best: BestEpoch, work_dir: Path) -> None:
    """Write the checkpoint, after which nothing is left to resume; by one process alone."""
    if best.is_global_zero:
        write_checkpoint(checkpoint, work_dir)
        for leftover in (_STATE, _BEST, _SETTINGS):
            (work_dir / TRAINING_FOLDER / leftover).unlink(missing_ok=True)


def training_record(
    data_dir: Path, config: TrainConfig, best_epoch: int, validation_loss: float, seconds: int
) -> dict[str, str | int | float]:
    """How a checkpoint was made, as it remembers it."""
    return {
        "data": data_dir.name,
        **{name: value for name, value in dataclasses.asdict(config).items() if name not in ("devices", "num_nodes")},
        "best_epoch": best_epoch,
        VALIDATION_LOSS: validation_loss,
        SECONDS: seconds,
        "asd_edge": __version__,
        "torch": torch.__version__.split("+")[0],
        "lightning": lightning.__version__,
    }


def _claim(folder: Path, settings: str) -> None:
    path = folder / _SETTINGS
    if not (path.exists() and (folder / _STATE).exists()):  # without a whole epoch there is nothing to lose
        write_text_atomically(path, settings)
    elif path.read_text() != settings:
        raise WorkDirectoryError(
            f"{folder}: holds an interrupted training with other settings or clips; "
            "give the same ones to go on, or remove the folder to start again"
        )


def _trainer(config: TrainConfig, folder: Path, on_batch: ProgressFn, on_epoch: EpochFn) -> lightning.Trainer:
    def keep(name: str, monitor: str | None) -> ModelCheckpoint:
        return ModelCheckpoint(
            folder,
            name.removesuffix(".ckpt"),
            monitor=monitor,
            enable_version_counter=False,
            save_on_train_epoch_end=True,
        )

    return lightning.Trainer(
        max_epochs=config.epochs,
        devices=config.devices,
        num_nodes=config.num_nodes,
        precision=config.precision,  # type: ignore[arg-type]  # a literal type there, checked by Lightning itself
        deterministic=True,
        callbacks=[
            EpochLog(folder / LOG_FILE, config.epochs, on_batch, on_epoch),
            keep(_BEST, VALIDATION_LOSS),
            keep(_STATE, None),
        ],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
    )


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Without Lightning's advice on hardware and data loaders; its errors stay."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _weights(state: Mapping[str, Tensor]) -> Weights:
    return {
        name.removeprefix("network."): value.contiguous().float().numpy()
        for name, value in state.items()
        if not name.endswith(".num_batches_tracked")
    }

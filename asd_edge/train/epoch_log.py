"""The losses and seconds of each epoch: WORK/training/log.csv, and word to the caller of how far the training is."""

import csv
import math
import time
from collections.abc import Callable
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Callback

from asd_edge.clip.atomic_write import write_text_atomically
from asd_edge.clip.progress import ProgressFn
from asd_edge.errors import TrainingError
from asd_edge.train.lightning_modules import TRAIN_LOSS, VALIDATION_ACCURACY, VALIDATION_LOSS

SECONDS = "seconds"
COLUMNS = ("epoch", TRAIN_LOSS, VALIDATION_LOSS, VALIDATION_ACCURACY, SECONDS)

EpochFn = Callable[[int, int, float], None]  # (epochs done, of how many, this epoch's validation loss)


def ignore_epoch(done: int, total: int, validation_loss: float) -> None:
    """The default for callers who don't watch."""


class EpochLog(Callback):
    """Writes log.csv from what each epoch logged, and tells the caller how far the training is."""

    def __init__(self, log_path: Path, epochs: int, on_batch: ProgressFn, on_epoch: EpochFn) -> None:
        self.log_path = log_path
        self.epochs = epochs
        self.on_batch = on_batch
        self.on_epoch = on_epoch
        self.started = 0.0

    def on_train_epoch_start(self, *_: object) -> None:
        self.started = time.monotonic()

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: object) -> None:
        self.on_batch(trainer.global_step, int(trainer.estimated_stepping_batches))

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Runs after validation, so that both losses are known; earlier rows of a resumed run are kept."""
        if not trainer.is_global_zero:
            return
        metrics = {name: f"{float(value):.6f}" for name, value in trainer.callback_metrics.items()}
        rows = [row for row in read_log(self.log_path) if int(row["epoch"]) < trainer.current_epoch]
        rows.append({"epoch": str(trainer.current_epoch), **metrics, SECONDS: f"{time.monotonic() - self.started:.1f}"})
        lines = [",".join(COLUMNS), *(",".join(row.get(column, "") for column in COLUMNS) for row in rows)]
        write_text_atomically(self.log_path, "\n".join(lines) + "\n")
        validation_loss = float(metrics[VALIDATION_LOSS])
        if not math.isfinite(validation_loss):
            raise TrainingError(
                f"{self.log_path}: the validation loss of epoch {trainer.current_epoch + 1} is {validation_loss}; "
                "remove the folder and train with a lower learning rate"
            )
        self.on_epoch(trainer.current_epoch + 1, self.epochs, validation_loss)


def read_log(path: Path) -> list[dict[str, str]]:
    """The rows of log.csv; none where it doesn't exist."""
    return list(csv.DictReader(path.read_text().splitlines())) if path.is_file() else []

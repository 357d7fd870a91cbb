"""Settings of a training; the loss decides which of the two models they can train."""

import math
from dataclasses import dataclass

from asd_edge.errors import TrainingError
from asd_edge.model.arcface import NOISY_ARCMIX
from asd_edge.model.config import AUTOENCODER

MSE = "mse"


@dataclass(frozen=True)
class TrainConfig:
    """Defaults are the paper's but for what makes a training fit a CPU: batch size 8 (64 there), 25 epochs (300 there)
    and with so few of them a learning rate of 1e-3 (1e-4 there).

    Raises TrainingError for a number that can't train.
    """

    epochs: int = 25
    batch_size: int = 8
    learning_rate: float = 1e-3  # AdamW, cosine to a tenth; constant for the autoencoder
    weight_decay: float = 0.01
    loss: str = NOISY_ARCMIX  # one of model.arcface.LOSSES; MSE for the autoencoder
    mixup_alpha: float = 0.2  # lambda ~ Beta(alpha, alpha), one per batch; without effect on "arcface" and MSE
    validation_share: float = 1 / 6  # of each machine's recordings, at least one
    seed: int = 0
    devices: int = 1  # this and the next two go to Lightning's Trainer
    num_nodes: int = 1
    precision: str = "32-true"

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "devices", "num_nodes", "learning_rate", "mixup_alpha"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise TrainingError(f"{name} {value}: no training can run with it; give a positive number")
        if not 0 < self.validation_share < 1:
            raise TrainingError(f"validation_share {self.validation_share}: give a share between 0 and 1")
        if self.seed < 0:
            raise TrainingError(f"seed {self.seed}: give 0 or more")


def default_train_config(architecture: str) -> TrainConfig:
    """What `asd-edge train` starts from: the detector's settings, or the DCASE 2020 baseline's for the autoencoder."""
    if architecture == AUTOENCODER:
        return TrainConfig(epochs=100, batch_size=512, learning_rate=1e-3, weight_decay=0.0, loss=MSE)
    return TrainConfig()

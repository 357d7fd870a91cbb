"""The two models as Lightning trains them: mixup and angular loss (detector), squared error (autoencoder)."""

import math

import lightning
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn import functional

from asd_edge.model.arcface import ARCFACE, arcface_loss, mixed_loss
from asd_edge.model.autoencoder import Autoencoder
from asd_edge.model.config import HeadConfig
from asd_edge.model.network import DetectorNetwork
from asd_edge.train.config import TrainConfig
from asd_edge.train.data_module import Batch

TRAIN_LOSS, VALIDATION_LOSS, VALIDATION_ACCURACY = "train_loss", "validation_loss", "validation_accuracy"


class DetectorTraining(lightning.LightningModule):
    """`network` learns to tell machines apart; validation is the plain ArcFace cross-entropy of unmixed clips."""

    def __init__(self, network: DetectorNetwork, head: HeadConfig, config: TrainConfig) -> None:
        super().__init__()
        # this layout trains faster than the default one on a CPU (81 against 135 s an epoch)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.head = head
        self.config = config

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Samples [N, S] int16 and classes [N] -> the loss; mixes clip i with clip `partner[i]` of the batch."""
        samples, labels = batch
        waveform = as_waveform(samples)
        if self.config.loss == ARCFACE:
            loss = arcface_loss(self.network.head(self.network(waveform)), labels, self.head)
        else:
            # all randomness follows from the position in the training: resuming repeats it
            position = [self.config.seed, _MIXUP_STREAM, self.current_epoch, batch_index, self.global_rank]
            generator = np.random.default_rng(position)
            mixup_lambda = float(generator.beta(self.config.mixup_alpha, self.config.mixup_alpha))
            partner = torch.as_tensor(generator.permutation(len(labels)), device=labels.device)
            mixed = mixup_lambda * waveform + (1.0 - mixup_lambda) * waveform[partner]
            cosines = self.network.head(self.network(mixed))
            loss = mixed_loss(self.config.loss, cosines, labels, labels[partner], mixup_lambda, self.head)
        self.log(TRAIN_LOSS, loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(labels), sync_dist=True)
        return loss

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Log the loss that chooses the checkpoint, and the share of clips whose machine is recognized."""
        samples, labels = batch
        cosines = self.network.head(self.network(as_waveform(samples)))
        loss = arcface_loss(cosines, labels, self.head)
        accuracy = (cosines.argmax(dim=1) == labels).float().mean()
        for name, value in ((VALIDATION_LOSS, loss), (VALIDATION_ACCURACY, accuracy)):
            self.log(name, value, on_epoch=True, prog_bar=True, batch_size=len(labels), sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW; the rate falls from `learning_rate` to a tenth of it along half a cosine, step by step."""
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=self.config.learning_rate, weight_decay=self.config.weight_decay
        )
        n_steps = int(self.trainer.estimated_stepping_batches)

        def factor(step: int) -> float:
            return 0.1 + 0.45 * (1.0 + math.cos(math.pi * min(1.0, step / n_steps)))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


class AutoencoderTraining(lightning.LightningModule):
    """`network` learns to reconstruct vectors of one machine type, as the DCASE 2020 baseline: Adam, squared error."""

    def __init__(self, network: Autoencoder, config: TrainConfig) -> None:
        super().__init__()
        self.network = network
        self.config = config

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Vectors [N, 640] and targets of the same shape -> mean squared error in dB^2."""
        return self._loss(batch, TRAIN_LOSS)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Log the loss that chooses the checkpoint."""
        self._loss(batch, VALIDATION_LOSS)

    def _loss(self, batch: Batch, name: str) -> Tensor:
        vectors, target = batch
        loss = functional.mse_loss(self.network(vectors), target)
        self.log(name, loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(vectors), sync_dist=True)
        return loss

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam (AdamW without decay) at a constant rate."""
        return torch.optim.AdamW(
            self.network.parameters(), lr=self.config.learning_rate, weight_decay=self.config.weight_decay
        )


def as_waveform(samples: Tensor) -> Tensor:
    """int16 -> float32 in [-1, 1)."""
    return samples.float() / 32768.0


_MIXUP_STREAM = 3  # keeps mixup apart from the other draws of the same seed

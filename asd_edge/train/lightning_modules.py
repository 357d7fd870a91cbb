"""The two models as Lightning trains them: mixup and angular loss (detector), squared error (autoencoder)."""

import math

import lightning
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn import functional

from asd_edge.model.arcface import ARCFACE, mixed_loss
from asd_edge.model.autoencoder import Autoencoder
from asd_edge.model.config import HeadConfig
from asd_edge.model.network import DetectorNetwork
from asd_edge.train.config import TrainConfig
from asd_edge.train.data_module import Batch
from asd_edge.train.embedded import as_waveform
from asd_edge.train.old_machines import OldMachines

TRAIN_LOSS, VALIDATION_LOSS, VALIDATION_ACCURACY = "train_loss", "validation_loss", "validation_accuracy"


class DetectorTraining(lightning.LightningModule):
    """`network` learns to tell machines apart; validation is the loss of clips as they are: ArcFace cross-entropy."""

    def __init__(
        self, network: DetectorNetwork, head: HeadConfig, config: TrainConfig, held: OldMachines | None = None
    ) -> None:
        """The machines that are `held` stay where they were, and with any the head is left as it is."""
        super().__init__()
        # this layout trains faster than the default one on a CPU (81 against 135 s an epoch)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.head = head
        self.config = config
        self.held = held
        network.head.weight.requires_grad_(held is None)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Samples [N, S] int16 and classes [N] -> the loss; mixes clip i with clip `partner[i]` of the batch."""
        samples, labels = batch
        waveform = as_waveform(samples)
        mixup_lambda, partner = self._mixup(labels, batch_index)
        mixed = mixup_lambda * waveform + (1.0 - mixup_lambda) * waveform[partner]
        if self.held is not None:
            self.network.eval()  # running statistics would move with every batch, and all old scores with them
        loss, _ = self._loss_and_cosines(mixed, labels, labels[partner], mixup_lambda)
        self.log(TRAIN_LOSS, loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(labels), sync_dist=True)
        return loss

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Log the loss that chooses the checkpoint, and the share of clips whose machine is recognized."""
        samples, labels = batch
        loss, accuracy = self.validate(as_waveform(samples), labels)
        for name, value in ((VALIDATION_LOSS, loss), (VALIDATION_ACCURACY, accuracy)):
            self.log(name, value, on_epoch=True, prog_bar=True, batch_size=len(labels), sync_dist=True)

    def validate(self, waveform: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Of clips [N, S] as they are: the loss, and the share whose machine is recognized."""
        loss, cosines = self._loss_and_cosines(waveform, labels, labels, 1.0)
        return loss, (cosines.argmax(dim=1) == labels).float().mean()

    def _mixup(self, labels: Tensor, batch_index: int) -> tuple[float, Tensor]:
        """Lambda and partners [N]. All randomness follows from the position in the training: resuming repeats it."""
        if self.config.loss == ARCFACE:
            return 1.0, torch.arange(len(labels), device=labels.device)
        position = [self.config.seed, _MIXUP_STREAM, self.current_epoch, batch_index, self.global_rank]
        generator = np.random.default_rng(position)
        mixup_lambda = float(generator.beta(self.config.mixup_alpha, self.config.mixup_alpha))
        return mixup_lambda, torch.as_tensor(generator.permutation(len(labels)), device=labels.device)

    def _loss_and_cosines(
        self, waveform: Tensor, labels_a: Tensor, labels_b: Tensor, mixup_lambda: float
    ) -> tuple[Tensor, Tensor]:
        """Of mixed clips [N, S]. Beside old machines, clips and mixes of theirs alone are to stay what they were."""
        embeddings = self.network(waveform)
        cosines = self.network.head(embeddings)
        if self.held is None:
            return mixed_loss(self.config.loss, cosines, labels_a, labels_b, mixup_lambda, self.head), cosines
        is_new = (labels_a >= self.held.n_old) | (labels_b >= self.held.n_old)
        is_old = ~is_new
        loss = embeddings.new_zeros(())
        if is_new.any():
            chosen = (cosines[is_new], labels_a[is_new], labels_b[is_new])
            loss = loss + mixed_loss(self.config.loss, *chosen, mixup_lambda, self.head) * is_new.float().mean()
        if is_old.any():
            heard = (labels_a if mixup_lambda >= 0.5 else labels_b)[is_old]  # what is louder in the mix
            penalties = self.held.penalties(waveform[is_old], embeddings[is_old], cosines[is_old], heard)
            loss = loss + penalties.mean() * is_old.float().mean()
        return loss, cosines

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


_MIXUP_STREAM = 3  # keeps mixup apart from the other draws of the same seed

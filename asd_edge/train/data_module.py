"""Training data in memory, batch by batch: orders are drawn from (seed, epoch), so that a resumed run repeats them."""

from collections.abc import Iterator
from typing import Protocol, TypeVar

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from asd_edge.frontend.context_vectors import N_CONTEXT

Batch = tuple[Tensor, Tensor]
T = TypeVar("T")


class BatchedDataset(Protocol):
    """A data set that makes a whole batch at once."""

    def __len__(self) -> int: ...

    def __getitems__(self, indices: list[int]) -> Batch: ...


class ClipDataset(Dataset[Batch]):
    """Whole clips: samples [N, clip_samples] int16 and their classes [N] int64."""

    def __init__(self, samples: Tensor, labels: Tensor) -> None:
        self.samples = samples
        self.labels = labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitems__(self, indices: list[int]) -> Batch:
        return self.samples[indices], self.labels[indices]


class VectorDataset(Dataset[Batch]):
    """All vectors of N_CONTEXT neighbouring frames, float32 in dB; the target is the vector itself."""

    def __init__(self, log_mel: Tensor) -> None:
        """`log_mel` [n_clips, n_frames, n_mels] float32."""
        self.log_mel = log_mel
        self.n_vectors_per_clip = log_mel.shape[1] - N_CONTEXT + 1

    def __len__(self) -> int:
        return len(self.log_mel) * self.n_vectors_per_clip

    def __getitems__(self, indices: list[int]) -> Batch:
        index = torch.tensor(indices)
        clip_index = (index // self.n_vectors_per_clip).unsqueeze(1)
        frame_index = (index % self.n_vectors_per_clip).unsqueeze(1) + torch.arange(N_CONTEXT)
        vectors = self.log_mel[clip_index, frame_index].flatten(1)  # [N, N_CONTEXT * n_mels]
        return vectors, vectors


class EpochShuffle(Sampler[int]):
    """All indices in an order drawn from (seed, epoch); with several devices, every `n_ranks`-th of them."""

    def __init__(self, n_items: int, seed: int, rank: int, n_ranks: int) -> None:
        self.n_items = n_items
        self.seed = seed
        self.rank = rank
        self.n_ranks = n_ranks
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.n_items // self.n_ranks  # the same number on each device, or the others would wait for ever

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng([self.seed, _SHUFFLE_STREAM, self.epoch]).permutation(self.n_items)
        return iter(order[self.rank :: self.n_ranks][: len(self)].tolist())


class TrainingData(lightning.LightningDataModule):
    """The two sides of the split as data loaders."""

    def __init__(self, training: BatchedDataset, validation: BatchedDataset, batch_size: int, seed: int) -> None:
        super().__init__()
        self.training = training
        self.validation = validation
        self.batch_size = batch_size
        self.seed = seed

    def train_dataloader(self) -> DataLoader[Batch]:
        """Shuffled batches; a last batch of one item is left out, for which BatchNorm has no variance."""
        rank, n_ranks = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        sampler = EpochShuffle(len(self.training), self.seed, rank, n_ranks)
        leaves_one = len(sampler) % self.batch_size == 1
        return DataLoader(
            self.training,  # type: ignore[arg-type]  # torch's stub knows no __getitems__
            batch_size=self.batch_size,
            sampler=sampler,
            drop_last=leaves_one and len(sampler) > self.batch_size,
            collate_fn=_as_it_is,
        )

    def val_dataloader(self) -> DataLoader[Batch]:
        """All validation items in order, on every device."""
        return DataLoader(
            self.validation,  # type: ignore[arg-type]  # torch's stub knows no __getitems__
            batch_size=self.batch_size,
            collate_fn=_as_it_is,
        )


def _as_it_is(batch: T) -> T:
    return batch


_SHUFFLE_STREAM = 2  # keeps the shuffles apart from the other draws of the same seed

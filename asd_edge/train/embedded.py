"""Clips as a network sees them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.model.network import DetectorNetwork
from asd_edge.train.load_clips import LoadedClips

_EMBEDDED_AT_ONCE = 8


@dataclass(frozen=True)
class Embedded:
    """Embeddings (n_clips, E), classes (n_clips,) int64."""

    embeddings: Tensor
    labels: Tensor


@torch.no_grad()
def embed_clips(network: DetectorNetwork, clips: LoadedClips, on_progress: ProgressFn = ignore_progress) -> Embedded:
    """`network` is in eval mode."""
    embeddings: list[Tensor] = []
    for samples in torch.split(clips.samples, _EMBEDDED_AT_ONCE):
        embeddings.append(network(as_waveform(samples)))
        on_progress(min(len(embeddings) * _EMBEDDED_AT_ONCE, len(clips.samples)), len(clips.samples))
    return Embedded(torch.cat(embeddings), clips.labels)


def as_waveform(samples: Tensor) -> Tensor:
    """int16 -> float32 in [-1, 1)."""
    return samples.float() / 32768.0

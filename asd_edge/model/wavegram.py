"""The Wavegram: a learned filter on the raw samples beside the log-Mel (Neri & Carli 2024), separable or full.

Separable, it is one FIR of n_fft taps on the very frames of the STFT (zero-padded, not reflected), BatchNorm, ReLU,
and then a per-band affine, BatchNorm, ReLU. The first half leaves one value per frame and runs in the front end.
"""

import numpy as np
import torch
from torch import Tensor, nn

from asd_edge.errors import CheckpointError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.wavegram_fir import FirTaps
from asd_edge.model.checkpoint import Checkpoint
from asd_edge.model.config import LOG_MEL

_FIR_TENSORS = (
    "dwconv.weight",
    "dwconv.bias",
    "dwconv_normalization.weight",
    "dwconv_normalization.bias",
    "dwconv_normalization.running_mean",
    "dwconv_normalization.running_var",
)


class SeparableWavegram(nn.Module):
    """Waveform [N, S] -> `frames` [N, 1, 1, n_frames] -> `maps` [N, 1, n_mels, n_frames]."""

    def __init__(self, frontend: FrontendConfig) -> None:
        super().__init__()
        self.dwconv = nn.Conv1d(1, 1, frontend.n_fft, stride=frontend.hop_length, padding=frontend.n_fft // 2)
        self.dwconv_normalization = nn.BatchNorm1d(1)
        self.pwconv = nn.Conv2d(1, frontend.n_mels, 1)
        self.pwconv_normalization = nn.BatchNorm2d(frontend.n_mels)

    def frames(self, waveform: Tensor) -> Tensor:
        """One value per frame: FIR, BatchNorm, ReLU."""
        filtered = self.dwconv(waveform.unsqueeze(1))  # [N, 1, n_frames]
        return torch.relu(self.dwconv_normalization(filtered)).unsqueeze(1)

    def maps(self, frames: Tensor) -> Tensor:
        """n_mels values per frame: pointwise convolution, BatchNorm, ReLU, bands moved to the mel axis."""
        bands = torch.relu(self.pwconv_normalization(self.pwconv(frames)))  # [N, n_mels, 1, n_frames]
        return bands.transpose(1, 2)

    def forward(self, waveform: Tensor) -> Tensor:
        return self.maps(self.frames(waveform))


class FullWavegram(nn.Module):
    """The ablation: n_mels filters of n_fft taps, waveform [N, S] -> [N, 1, n_mels, n_frames]; it can't be exported."""

    def __init__(self, frontend: FrontendConfig) -> None:
        super().__init__()
        self.conv = nn.Conv1d(
            1, frontend.n_mels, frontend.n_fft, stride=frontend.hop_length, padding=frontend.n_fft // 2
        )
        self.normalization = nn.BatchNorm1d(frontend.n_mels)

    def forward(self, waveform: Tensor) -> Tensor:
        return torch.relu(self.normalization(self.conv(waveform.unsqueeze(1)))).unsqueeze(1)


def fold_wavegram_fir(checkpoint: Checkpoint) -> FirTaps:
    """The depthwise convolution and its BatchNorm as one filter: relu(bias + frame . taps), in float64.

    taps = w * gamma / sqrt(var + eps), bias = (b - mean) * gamma / sqrt(var + eps) + beta, eps 1e-5 as in torch.
    Raises CheckpointError for a model without a separable Wavegram.
    """
    config = checkpoint.model
    if (
        config.features == LOG_MEL
        or not config.separable_wavegram
        or "wavegram.dwconv.weight" not in checkpoint.weights
    ):
        raise CheckpointError(
            "this model has no separable Wavegram, so no FIR to fold; its only input is the log-Mel, or it is for "
            "training and float evaluation only"
        )
    weights = {
        name: np.asarray(checkpoint.weights[f"wavegram.{name}"], np.float64).reshape(-1) for name in _FIR_TENSORS
    }
    gain = weights["dwconv_normalization.weight"] / np.sqrt(weights["dwconv_normalization.running_var"] + 1e-5)
    bias = (weights["dwconv.bias"] - weights["dwconv_normalization.running_mean"]) * gain
    return FirTaps(weights["dwconv.weight"] * gain, float((bias + weights["dwconv_normalization.bias"])[0]))

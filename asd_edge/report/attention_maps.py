"""Clips -> what the attention does to their features: the maps of one clip, or mean and deviation over many.

The map multiplies log-Mel and Wavegram element by element and lies in [0.5, 1): 0.5 where the model sees nothing that
tells machines apart (Neri & Carli 2024, Figures 2 to 4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.clip.read_clip import read_clip
from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.config import BOTH, LOG_MEL, ModelConfig
from asd_edge.model.network import DetectorNetwork

FEATURE_NAMES = {BOTH: ("log-Mel", "Wavegram"), LOG_MEL: ("log-Mel",)}


@dataclass(frozen=True)
class ClipMaps:
    """One clip, each array (n_features, n_mels, n_frames) float32 in the order of `names`."""

    names: tuple[str, ...]
    features: NDArray[np.float32]  # log-Mel in dB, Wavegram without a unit
    attention: NDArray[np.float32] | None  # None where the model has none
    product: NDArray[np.float32]  # what the classifier sees


@dataclass(frozen=True)
class AttentionStatistics:
    """Population mean and standard deviation of the attention map, float64, in the order of `names`."""

    names: tuple[str, ...]
    n_clips: int
    mean: NDArray[np.float64]  # (n_features, n_mels, n_frames), over clips
    deviation: NDArray[np.float64]
    band_mean: NDArray[np.float64]  # (n_features, n_mels), over clips and frames
    band_deviation: NDArray[np.float64]


def feature_names(model: ModelConfig) -> tuple[str, ...]:
    """What the model's feature axis holds, in order."""
    return FEATURE_NAMES.get(model.features, ("Wavegram",))


def clip_maps(network: DetectorNetwork, frontend: FrontendConfig, path: Path) -> ClipMaps:
    """The maps of one clip. Raises ClipError for a clip that can't be read."""
    samples = read_clip(path, frontend.clip_samples, frontend.sample_rate_hz)
    waveform = torch.from_numpy(samples.astype(np.float32) / 32768.0)[None]
    with torch.inference_mode():
        maps = network.attention_inputs(waveform)
    return ClipMaps(
        feature_names(network.config),
        maps.features[0].numpy(),
        None if network.attention is None else maps.attention[0].numpy(),
        maps.product[0].numpy(),
    )


def attention_statistics(
    network: DetectorNetwork,
    frontend: FrontendConfig,
    paths: Sequence[Path],
    on_progress: ProgressFn = ignore_progress,
) -> AttentionStatistics:
    """Statistics over at least one clip; the network has attention. Raises ClipError for a clip that can't be read."""
    sums = np.zeros((2, len(feature_names(network.config)), frontend.n_mels, frontend.n_frames))
    for index, path in enumerate(paths):
        attention = clip_maps(network, frontend, path).attention
        assert attention is not None
        in_float64 = attention.astype(np.float64)
        sums += np.stack((in_float64, in_float64**2))
        on_progress(index + 1, len(paths))
    moments = sums / len(paths)  # mean and mean square; values near 0.5, so that their difference keeps 15 digits
    mean, deviation = _mean_and_deviation(moments)
    band_mean, band_deviation = _mean_and_deviation(moments.mean(axis=-1))
    return AttentionStatistics(feature_names(network.config), len(paths), mean, deviation, band_mean, band_deviation)


def _mean_and_deviation(moments: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return moments[0], np.sqrt(np.maximum(0.0, moments[1] - moments[0] ** 2))

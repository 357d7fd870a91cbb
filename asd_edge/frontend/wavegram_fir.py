"""The Wavegram's first half in NumPy: samples -> one value per frame, relu(bias + frame . taps).

Frame t covers samples t * hop - n_fft / 2 to t * hop + n_fft / 2 - 1, the very frames of the STFT, but with zeros
beyond the ends of the clip where the STFT reflects. BatchNorm is already folded into taps and bias.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.frontend.config import FrontendConfig


@dataclass(frozen=True)
class FirTaps:
    """The folded filter: `taps` (n_fft,) float64 in the order of the samples, and its bias."""

    taps: NDArray[np.float64]
    bias: float


def wavegram_fir(
    samples: NDArray[np.int16], taps: NDArray[np.float64], bias: float, config: FrontendConfig
) -> NDArray[np.float64]:
    """Frames (n_frames,) float64, not negative, of `samples` (clip_samples,) int16 that count as sample / 32768."""
    padded = np.pad(samples.astype(np.float64) / 32768.0, config.n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, config.n_fft)[:: config.hop_length]
    return np.maximum(0.0, frames @ taps + bias)

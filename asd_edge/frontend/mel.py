"""The mel filterbank that every front end multiplies its power spectrum with: HTK mel scale, Slaney area normalization.

mel = 2595 * log10(1 + hz / 700); triangle m has height 2 / (f[m+2] - f[m]) per Hz, so that all have the same area.
torchaudio calls the same matrix `melscale_fbanks(..., norm="slaney", mel_scale="htk")`, librosa `mel(htk=True)`.
"""

import numpy as np
from numpy.typing import NDArray

from asd_edge.frontend.config import FrontendConfig


def mel_filterbank(config: FrontendConfig) -> NDArray[np.float64]:
    """The weights (n_fft // 2 + 1, n_mels) from power spectrum bins to mel bands."""
    bins_hz = np.linspace(0.0, config.sample_rate_hz / 2, config.n_fft // 2 + 1)
    edges_hz = mel_edges_hz(config)
    lower, centre, upper = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bins_hz[:, None] - lower) / (centre - lower)
    falling = (upper - bins_hz[:, None]) / (upper - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles * (2.0 / (upper - lower)), np.float64)


def band_centres_hz(config: FrontendConfig) -> NDArray[np.float64]:
    """Where each band's triangle peaks, (n_mels,), rising."""
    return mel_edges_hz(config)[1:-1]


def mel_edges_hz(config: FrontendConfig) -> NDArray[np.float64]:
    """(n_mels + 2,), evenly spaced in mel: band m starts at [m], peaks at [m + 1] and ends at [m + 2]."""
    edges_mel = np.linspace(_mel(config.f_min_hz), _mel(config.f_max_hz), config.n_mels + 2)
    return np.asarray(700.0 * (10.0 ** (edges_mel / 2595.0) - 1.0), np.float64)


def _mel(hz: float) -> float:
    return 2595.0 * float(np.log10(1.0 + hz / 700.0))

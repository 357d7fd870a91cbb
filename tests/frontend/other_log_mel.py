"""The log-Mel's formula from other people's parts, in float64: torch.stft and librosa's mel matrix."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from asd_edge.frontend.config import FrontendConfig


def torch_librosa_log_mel(samples: NDArray[np.int16], config: FrontendConfig) -> NDArray[np.float64]:
    """(clip_samples,) int16 -> (n_frames, n_mels) dB. A test that calls it without librosa is skipped."""
    spectrum = torch.stft(
        torch.from_numpy(samples / 32768.0),
        config.n_fft,
        config.hop_length,
        window=torch.hann_window(config.n_fft, periodic=True, dtype=torch.float64),
        center=True,
        pad_mode="reflect",
        return_complex=True,
    )  # (n_fft // 2 + 1, n_frames)
    mel = librosa_mel(config) @ spectrum.abs().square().numpy()
    return np.asarray(10.0 * np.log10(mel + config.log_offset).T, np.float64)


def librosa_mel(config: FrontendConfig) -> NDArray[np.float64]:
    """(n_mels, n_fft // 2 + 1)"""
    filters = pytest.importorskip("librosa.filters", reason="librosa (extra verify) is not installed")
    matrix = filters.mel(
        sr=config.sample_rate_hz,
        n_fft=config.n_fft,
        n_mels=config.n_mels,
        fmin=config.f_min_hz,
        fmax=config.f_max_hz,
        htk=True,
        norm="slaney",
        dtype=np.float64,
    )
    return np.asarray(matrix, np.float64)

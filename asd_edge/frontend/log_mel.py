"""The float log-Mel in NumPy, the definition that every other front end is held to: samples -> dB, in float64.

Frame t is centred on sample t * hop_length of the clip, which is reflected at both ends (without repeating the edge
sample); periodic Hann window; power spectrum; mel matrix; 10 * log10(mel + log_offset).
"""

import numpy as np
from numpy.typing import NDArray

from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.mel import mel_filterbank


def log_mel(samples: NDArray[np.int16], config: FrontendConfig) -> NDArray[np.float64]:
    """(n_frames, n_mels) dB of `samples` (clip_samples,) int16, which count as sample / 32768."""
    padded = np.pad(samples.astype(np.float64) / 32768.0, config.n_fft // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, config.n_fft)[:: config.hop_length]  # (n_frames, n_fft)
    spectrum = np.fft.rfft(frames * hann_window(config.n_fft), axis=1)  # (n_frames, n_fft // 2 + 1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(10.0 * np.log10(power @ mel_filterbank(config) + config.log_offset), np.float64)


def hann_window(n_fft: int) -> NDArray[np.float64]:
    """The periodic Hann window (n_fft,): 0.5 - 0.5 * cos(2 pi n / n_fft)."""
    return np.asarray(0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n_fft) / n_fft), np.float64)

"""The fixed-point log-Mel of a whole clip in NumPy: the definition that the C front end equals bit for bit."""

import numpy as np
from numpy.typing import NDArray

from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.fixed_fft import power_spectrum
from asd_edge.frontend.fixed_mel import log_decibels, mel_power
from asd_edge.frontend.fixed_tables import check_fixed_config


def fixed_log_mel(samples: NDArray[np.int16], config: FrontendConfig) -> NDArray[np.int16]:
    """(clip_samples,) int16 -> (n_frames, 128) int16 in 1/256 dB, both ends reflected as in `log_mel`.

    Raises FrontendError for settings other than the reference's.
    """
    check_fixed_config(config)
    padded = np.pad(samples, config.n_fft // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, config.n_fft)[:: config.hop_length]
    return log_decibels(mel_power(power_spectrum(frames)))

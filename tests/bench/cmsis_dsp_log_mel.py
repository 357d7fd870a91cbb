"""The log-Mel with CMSIS-DSP's q31 window, real FFT and magnitude; square, mel and logarithm in float64.

Each frame is brought to full scale before, as CMSIS-DSP's MFCC does. What would follow the magnitude is left exact, so
the error is the least that CMSIS-DSP can have.
"""

import cmsisdsp
import numpy as np
from numpy.typing import NDArray

from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.log_mel import hann_window
from asd_edge.frontend.mel import mel_filterbank

N_FFT = 1024


def cmsis_dsp_log_mel(samples: NDArray[np.int16], config: FrontendConfig) -> NDArray[np.float64]:
    """(clip_samples,) int16 -> (n_frames, n_mels) dB."""
    window = np.minimum(np.rint(hann_window(N_FFT) * 2.0**31), 2**31 - 1).astype(np.int32)
    padded = np.pad(samples, N_FFT // 2, mode="reflect").astype(np.int64)
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[:: config.hop_length]
    transform = cmsisdsp.arm_rfft_instance_q31()
    cmsisdsp.arm_rfft_init_q31(transform, N_FFT, 0, 1)
    magnitude = np.empty((len(frames), N_FFT // 2 + 1))
    for index, frame in enumerate(frames):
        gain = (2**31 - 1) // max(1, int(np.abs(frame).max()))
        windowed = cmsisdsp.arm_mult_q31((frame * gain).astype(np.int32), window)
        spectrum = cmsisdsp.arm_rfft_q31(transform, windowed)
        magnitude[index] = cmsisdsp.arm_cmplx_mag_q31(spectrum[: N_FFT + 2]) * (2.0**16 / gain)
    power = (magnitude * (N_FFT * 2.0**-30)) ** 2  # the FFT divides by 1024, the magnitude is 2.30
    return np.asarray(10.0 * np.log10(power @ mel_filterbank(config) + config.log_offset), np.float64)

"""Changes the sample rate of a clip: polyphase windowed sinc (Kaiser) in plain NumPy.

With rate_out / rate_in = up / down in lowest terms, output m lies at input time m * down / up. Its phase is
m * down mod up, and all outputs of one phase share one set of taps, so

    y[m] = sum_k  h((m * down / up) - k) * x[k]        over |m * down / up - k| <= half_width
    h(t) = 2 * fc * sinc(2 * fc * t) * kaiser(t / half_width, beta)       t in input samples, fc in cycles per sample

The pass band ends at 0.9 and the stop band begins at 1.0 of the lower rate's Nyquist frequency (7.2 and 8 kHz when the
lower rate is 16 kHz); the cut-off fc is between them. Kaiser's formulas for 80 dB (Oppenheim & Schafer, Discrete-Time
Signal Processing, 7.5.3) give beta = 0.1102 * (80 - 8.7) and length = (80 - 7.95) / (14.36 * transition) input samples:
103 taps when raising the rate, 303 from 48 kHz to 16. Each phase's taps are scaled to the sum 1, so that a constant
stays one. Only one phase's taps exist at a time; the memory is that of the clip, whatever the two rates.
"""

from math import gcd

import numpy as np
from numpy.typing import NDArray

ATTENUATION_DB = 80.0
PASS_BAND_END = 0.9  # of the lower rate's Nyquist frequency
KAISER_BETA = 0.1102 * (ATTENUATION_DB - 8.7)


def filter_half_width(rate_in_hz: int, rate_out_hz: int) -> int:
    """Input samples that the filter reaches to each side of an output sample."""
    transition = (1.0 - PASS_BAND_END) * 0.5 * min(1.0, rate_out_hz / rate_in_hz)  # cycles per input sample
    return int(np.ceil((ATTENUATION_DB - 7.95) / (14.36 * transition) / 2))


def resampled_length(n_samples: int, rate_in_hz: int, rate_out_hz: int) -> int:
    """Output samples whose time lies within n_samples of input: ceil(n_samples * rate_out / rate_in)."""
    return -(-n_samples * rate_out_hz // rate_in_hz)


def input_length_for(n_samples: int, rate_in_hz: int, rate_out_hz: int) -> int:
    """Input samples that the first n_samples of output depend on; more input doesn't change them."""
    return (n_samples - 1) * rate_in_hz // rate_out_hz + 1 + filter_half_width(rate_in_hz, rate_out_hz)


def _phase_taps(offset: float, half_width: int, cutoff: float) -> NDArray[np.float64]:
    """Taps for an output that lies `offset` (0 <= offset < 1) input samples after input sample 0.

    (2 * half_width + 1,) float64 with the sum 1: tap k belongs to input sample k - half_width.
    """
    time = offset - np.arange(-half_width, half_width + 1)
    inside = np.maximum(1.0 - (time / half_width) ** 2, 0.0)
    taps = np.sinc(2.0 * cutoff * time) * np.i0(KAISER_BETA * np.sqrt(inside)) * (np.abs(time) <= half_width)
    normalized: NDArray[np.float64] = taps / taps.sum()
    return normalized


def resample(samples: NDArray[np.float64], rate_in_hz: int, rate_out_hz: int, n_out: int) -> NDArray[np.float64]:
    """The first n_out samples at the new rate, (n_out,) float64, on the scale of the input.

    `samples` (n_samples,) float64; what lies before and after them counts as silence. Equal rates copy.
    n_out is at most `resampled_length(n_samples, ...)`.
    """
    if n_out > resampled_length(len(samples), rate_in_hz, rate_out_hz):
        raise ValueError(f"{n_out} samples asked of {len(samples)} at {rate_in_hz} Hz")
    if rate_in_hz == rate_out_hz:
        return samples[:n_out].copy()
    divisor = gcd(rate_in_hz, rate_out_hz)
    up, down = rate_out_hz // divisor, rate_in_hz // divisor
    half_width = filter_half_width(rate_in_hz, rate_out_hz)
    cutoff = 0.5 * (1.0 + PASS_BAND_END) / 2 * min(1.0, rate_out_hz / rate_in_hz)
    padded = np.concatenate([np.zeros(half_width), samples, np.zeros(half_width + 1)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half_width + 1)
    resampled = np.empty(n_out)  # (n_out,) float64
    for first in range(min(up, n_out)):  # outputs first, first + up, ... share a phase and step by `down` inputs
        start, phase = divmod(first * down, up)
        n_of_phase = -(-(n_out - first) // up)
        taps = _phase_taps(phase / up, half_width, cutoff)
        resampled[first::up] = windows[start::down][:n_of_phase] @ taps
    return resampled

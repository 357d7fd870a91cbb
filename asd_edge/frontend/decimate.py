"""48 kHz -> 16 kHz in integers: a linear-phase FIR at every third sample, the twin of asd_decimate_s16.c.

Kaiser window, pass band to 7.2 kHz, stop band from 8 kHz. Output n has heard samples up to 3 n + 2 and is centred on
3 n - 149.5, so it is 149.5 samples of 48 kHz late; zeros stand before the first sample.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from asd_edge.frontend.fixed_point import IntArray
from asd_edge.frontend.fixed_tables import rounded_away_from_ties

FACTOR = 3
N_TAPS = 304
TAP_BITS = 16
_CUTOFF = 7600.0 / 48_000.0  # middle of the transition band, of the input's rate
_KAISER_BETA = 7.6


@cache
def decimator_taps() -> NDArray[np.int64]:
    """(304,) Q16, symmetric; they add up to 2^16 exactly."""
    middle = (N_TAPS - 1) / 2.0
    lowpass = np.sinc(2.0 * _CUTOFF * (np.arange(N_TAPS) - middle)) * np.kaiser(N_TAPS, _KAISER_BETA)
    taps = rounded_away_from_ties(lowpass / lowpass.sum() * 2.0**TAP_BITS)
    excess = (int(taps.sum()) - (1 << TAP_BITS)) // 2
    taps[N_TAPS // 2 - 1] -= excess  # a few steps of 2^-16 on the two largest
    taps[N_TAPS // 2] -= excess
    return taps


def decimate(samples: NDArray[np.int16]) -> tuple[NDArray[np.int16], int]:
    """(n,) int16 at 48 kHz -> (n // 3,) int16 at 16 kHz, and how many of them were saturated."""
    n_out = samples.size // FACTOR
    if n_out == 0:
        return np.empty(0, np.int16), 0
    padded = np.concatenate((np.zeros(N_TAPS - FACTOR, np.int64), samples[: n_out * FACTOR].astype(np.int64)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, N_TAPS)[::FACTOR]  # (n_out, 304), oldest first
    sums: IntArray = (windows @ decimator_taps() + (1 << (TAP_BITS - 1))) >> TAP_BITS  # the taps are symmetric
    kept = np.clip(sums, -32768, 32767)
    return np.asarray(kept, np.int16), int(np.count_nonzero(kept != sums))

"""The Wavegram FIR in integers: int16 samples and 32-bit taps, exact 64-bit sums. The twin of asd_fir_s16.c."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import FrontendError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.fixed_point import IntArray
from asd_edge.frontend.fixed_tables import N_FFT
from asd_edge.frontend.wavegram_fir import FirTaps

LARGEST_TAP = 0x7FFF_7FFF  # 2^16 * 32767 + 32767: the largest that two int16 make
LARGEST_BIAS = 1 << 60
SAMPLE_BITS = 15
MOST_FRACTION_BITS = 44


@dataclass(frozen=True)
class FixedFir:
    """tap = (65536 * high + low) / 2^fraction_bits, bias = bias / 2^(fraction_bits + 15)."""

    high: NDArray[np.int16]  # (1024,)
    low: NDArray[np.int16]  # (1024,)
    bias: int
    fraction_bits: int

    @property
    def unit(self) -> float:
        """What one step of the sums counts."""
        return float(2.0 ** -(self.fraction_bits + SAMPLE_BITS))


def quantize_fir(fir: FirTaps) -> FixedFir:
    """Taps and bias times the largest power of two that both allow.

    Raises FrontendError where the taps aren't 1024 finite numbers or are absurdly large.
    """
    taps = np.asarray(fir.taps, np.float64)
    if taps.shape != (N_FFT,) or not np.isfinite(taps).all() or not np.isfinite(fir.bias):
        raise FrontendError(f"the Wavegram FIR has {taps.size} taps, not {N_FFT} finite ones; export the model again")
    largest = max(float(np.abs(taps).max()) / LARGEST_TAP, abs(fir.bias) * 2.0**SAMPLE_BITS / LARGEST_BIAS)
    fraction_bits = int(np.floor(-np.log2(max(largest, 2.0**-MOST_FRACTION_BITS))))
    if fraction_bits < 0:
        raise FrontendError(f"the Wavegram FIR has taps up to {np.abs(taps).max():g}; train or fold the model again")
    steps = np.clip(np.rint(taps * 2.0**fraction_bits), -LARGEST_TAP, LARGEST_TAP).astype(np.int64)
    low = ((steps + 0x8000) & 0xFFFF) - 0x8000
    bias = round(fir.bias * 2.0 ** (fraction_bits + SAMPLE_BITS))
    return FixedFir(((steps - low) >> 16).astype(np.int16), low.astype(np.int16), bias, fraction_bits)


def fixed_fir(samples: NDArray[np.int16], fir: FixedFir, config: FrontendConfig) -> IntArray:
    """(clip_samples,) int16 -> (n_frames,) relu(bias + frame . taps) in steps of `fir.unit`, zeros beyond the ends."""
    padded = np.pad(samples, config.n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, config.n_fft)[:: config.hop_length].astype(np.int64)
    sums = (frames @ fir.high.astype(np.int64)) * 65536 + frames @ fir.low.astype(np.int64) + fir.bias
    return np.asarray(np.maximum(sums, 0), np.int64)

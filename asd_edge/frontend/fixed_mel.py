"""Power spectrum in 64 bits -> log-Mel as int16 in 1/256 dB: sums over mel segments, then a logarithm by table.

Between two neighbouring mel edges one band falls by what the next one rises, so one weight per bin serves both.
"""

import numpy as np
from numpy.typing import NDArray

from asd_edge.frontend.fixed_point import IntArray
from asd_edge.frontend.fixed_tables import LOG_BITS, LOG_SEGMENT_BITS, N_COMPLEX, fixed_tables

_LOW_WORD = (1 << 32) - 1


def mel_power(power: IntArray) -> IntArray:
    """(n_frames, 511) below 2^62 -> (n_frames, 128) sums under triangles of height 1, same unit, below 2^62."""
    tables = fixed_tables()
    weights = tables.mel_weights
    low_words = ((power & _LOW_WORD).astype(np.uint64) * weights.astype(np.uint64)) >> np.uint64(32)
    rising = _segment_sums((power >> 32) * weights + low_words.astype(np.int64))  # (n_frames, 129)
    falling = _segment_sums(power) - rising
    return rising[:, :-1] + falling[:, 1:]


def _segment_sums(values: IntArray) -> IntArray:
    """(n_frames, 511) -> (n_frames, 129) sums between neighbouring mel edges; the first segment has no bin."""
    running = np.zeros((len(values), N_COMPLEX), np.int64)
    np.cumsum(values, axis=1, out=running[:, 1:])
    return np.diff(running[:, fixed_tables().mel_starts - 1], axis=1)


def log_decibels(mel: IntArray) -> NDArray[np.int16]:
    """(n_frames, 128) of mel_power -> (n_frames, 128) int16: 10 log10(norm * mel + log_offset) in 1/256 dB."""
    tables = fixed_tables()
    value = mel + tables.log_offsets  # at least 2^21, below 2^62
    exponent = _floor_log2(value)
    mantissa = np.where(exponent >= 32, value >> np.maximum(exponent - 32, 0), value << np.maximum(32 - exponent, 0))
    fraction = mantissa & _LOW_WORD  # Q32
    segment = fraction >> (32 - LOG_SEGMENT_BITS)
    within = (fraction << LOG_SEGMENT_BITS) & _LOW_WORD  # Q32
    curve = tables.log_curve[segment]
    curve = curve + (((tables.log_curve[segment + 1] - curve) * within) >> 32)
    return np.asarray((tables.band_levels + exponent * tables.octave + curve) >> LOG_BITS, np.int16)


def _floor_log2(value: IntArray) -> IntArray:
    exponent = np.zeros_like(value)
    for bits in (32, 16, 8, 4, 2, 1):
        is_above = (value >> exponent) >> bits > 0
        exponent = np.where(is_above, exponent + bits, exponent)
    return exponent

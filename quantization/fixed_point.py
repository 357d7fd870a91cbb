"""Integer rescaling as TFLite's reference kernels do it: a 32-bit multiplier in Q31, a shift, two roundings.

Formulas: gemmlowp fixedpoint.h and TFLite's MultiplyByQuantizedMultiplier (double rounding). Everything is int64 inside,
with the 32-bit range asserted where the C code would overflow.
"""

import math

import numpy as np
from numpy.typing import NDArray

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
IntArray = NDArray[np.int64]


def quantize_multiplier(real: float) -> tuple[int, int]:
    """A real factor >= 0 -> (Q31 multiplier, left shift): real = multiplier * 2^(shift - 31), multiplier in [2^30, 2^31)."""
    if real == 0.0:
        return 0, 0
    mantissa, shift = math.frexp(real)
    multiplier = math.floor(mantissa * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = multiplier // 2, shift + 1
    if shift < -31:
        return 0, 0
    return multiplier, shift


def quantize_multipliers(reals: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """`quantize_multiplier` of each channel: two arrays (n_channels,)."""
    pairs = [quantize_multiplier(float(real)) for real in reals]
    return np.array([pair[0] for pair in pairs], np.int32), np.array([pair[1] for pair in pairs], np.int32)


def saturating_rounding_doubling_high_mul(a: IntArray, b: IntArray | int) -> IntArray:
    """round(a * b / 2^31), ties upward; a, b in int32. The C code's nudge and truncation are this floor for either sign.

    Only a = b = -2^31 saturates; a multiplier is never negative, so the clamp is needed for tables alone.
    """
    return np.minimum((a * b + (1 << 30)) >> 31, INT32_MAX)


def rounding_divide_by_pot(x: IntArray, exponent: IntArray | int) -> IntArray:
    """round(x / 2^exponent), ties away from zero; exponent in [0, 31]."""
    half = (np.int64(1) << np.asarray(exponent, np.int64)) >> 1
    return (x + half - ((x < 0) & (half > 0))) >> exponent


def multiply_by_quantized_multiplier(
    x: NDArray[np.signedinteger], multiplier: NDArray[np.int32] | int, shift: NDArray[np.int32] | int
) -> IntArray:
    """round(round(x * 2^max(shift, 0) * multiplier / 2^31) / 2^max(-shift, 0)), channels last.

    x is an int32 accumulator (...); multiplier and shift are scalars or (n_channels,). Returns int64 in int32's range.
    """
    shifts = np.asarray(shift, np.int64)
    left, right = np.maximum(shifts, 0), np.maximum(-shifts, 0)
    shifted = x.astype(np.int64)
    if left.any():
        shifted <<= left
    assert shifted.size == 0 or (shifted.min() >= INT32_MIN and shifted.max() <= INT32_MAX), "accumulator overflow"
    shifted *= np.asarray(multiplier, np.int64)
    shifted += 1 << 30
    shifted >>= 31
    np.minimum(shifted, INT32_MAX, out=shifted)
    if right.any():
        half = (np.int64(1) << right) >> 1
        negative = shifted < 0
        shifted += half
        shifted -= negative & (half > 0)
        shifted >>= right
    return shifted

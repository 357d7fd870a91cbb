"""Integer rescaling as TFLite's reference kernels do it: a 32-bit multiplier in Q31, a shift, two roundings.

Formulas: gemmlowp's SaturatingRoundingDoublingHighMul (ties upward: its nudge and truncation amount to that for either
sign) and RoundingDivideByPOT (ties away from zero), which TFLite's MultiplyByQuantizedMultiplier applies one after the
other. Computed in int64 where 32 bits could overflow; the range is asserted where C would overflow.
"""

import math

import numpy as np
from numpy.typing import NDArray

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
IntArray = NDArray[np.int64]
_BLOCK = 32_768  # elements: three passes over 64-bit values of this many stay in a core's cache


def quantize_multiplier(real: float) -> tuple[int, int]:
    """A real factor >= 0 -> (multiplier, left shift): real = multiplier * 2^(shift - 31), multiplier in [2^30, 2^31).

    A factor below 2^-32 becomes (0, 0).
    """
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


def multiply_by_quantized_multiplier(
    x: NDArray[np.signedinteger], multiplier: NDArray[np.int32] | int, shift: NDArray[np.int32] | int
) -> IntArray:
    """round(round(x * 2^max(shift, 0) * multiplier / 2^31) / 2^max(-shift, 0)).

    x is an int32 accumulator (..., n_channels); multiplier (not negative) and shift are scalars or (n_channels,).
    Returns int64 in int32's range.
    """
    shifts = np.asarray(shift, np.int64)
    left, right = np.maximum(shifts, 0), np.maximum(-shifts, 0)
    product = x.astype(np.int64) << left
    assert product.size == 0 or (product.min() >= INT32_MIN and product.max() <= INT32_MAX), "accumulator overflow"
    product *= np.asarray(multiplier, np.int64)
    product += 1 << 30
    product >>= 31
    half = (np.int64(1) << right) >> 1
    product -= (product < 0) & (half > 0)
    product += half
    product >>= right
    return product


def requantize(
    sums: NDArray[np.int32],
    multipliers: NDArray[np.int32],
    shifts: NDArray[np.int32],
    zero_point: int,
    bounds: tuple[int, int],
) -> NDArray[np.int8]:
    """clip(multiply_by_quantized_multiplier(sums, multipliers, shifts) + zero_point, *bounds) as int8, but fast.

    sums (n_positions, n_channels). Where every channel shifts right by r >= 2, the second rounding and the zero point z
    are one addition between two shifts, and 32 bits suffice: floor((floor((y - [y < 0]) / 2^(r - 1)) + 1 + 2z) / 2).
    """
    codes = np.empty(sums.shape, np.int8)
    n_rows = max(1, _BLOCK // max(1, sums.shape[1]))
    is_usual = bool((shifts <= -2).all())
    factors, right_but_one = multipliers.astype(np.int64), -shifts - 1
    for start in range(0, len(sums), n_rows):
        rows = slice(start, start + n_rows)
        if is_usual:
            product = sums[rows] * factors
            product += 1 << 30
            product >>= 31
            y = product.astype(np.int32)
            y += y >> 31
            y >>= right_but_one
            y += 1 + 2 * zero_point
            y >>= 1
            codes[rows] = np.clip(y, *bounds, out=y)
        else:
            codes[rows] = np.clip(
                multiply_by_quantized_multiplier(sums[rows], multipliers, shifts) + zero_point, *bounds
            )
    return codes

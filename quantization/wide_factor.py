"""Rescaling with all 53 bits of a float64 factor and one rounding: TFLite's fully connected layer, in integers.

LiteRT's reference kernel computes round(float64(sum) * factor), half away from zero. The mantissa as a 53-bit integer
gives the same code for every sum, but where the float64 product itself rounds onto a tie (a sum within 2^-45 of one).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEAST_SHIFT = 33  # so that the lower 32 bits of a product never reach the result
_GREATEST_SHIFT = 32 + 62


class WideFactors(NamedTuple):
    """Real factors mantissa * 2^-shift, one per output channel."""

    mantissas: NDArray[np.int64]  # in [2^52, 2^53)
    shifts: NDArray[np.int64]


def wide_factors(reals: NDArray[np.float64]) -> WideFactors:
    """Of factors > 0. A shift beyond 94 becomes 94, where every int32 gives 0."""
    pairs = [math.frexp(float(real)) for real in reals]
    mantissas = np.array([int(mantissa * 2.0**53) for mantissa, _ in pairs], np.int64)
    return WideFactors(
        mantissas, np.minimum([53 - exponent for _, exponent in pairs], _GREATEST_SHIFT).astype(np.int64)
    )


def multiply_wide(sums: NDArray[np.int32], factors: WideFactors) -> NDArray[np.int64]:
    """sums (n_positions, n_channels) * factors, rounded half away from zero. Shifts are at least LEAST_SHIFT."""
    assert factors.shifts.min(initial=LEAST_SHIFT) >= LEAST_SHIFT, "factor of 2^20 or more"
    magnitudes = np.abs(sums.astype(np.int64))
    # the product without its lower 32 bits, which can't carry into a rounding that is at least 2^32 wide
    high = magnitudes * (factors.mantissas >> 32) + ((magnitudes * (factors.mantissas & 0xFFFF_FFFF)) >> 32)
    shifts = factors.shifts - 32
    return np.asarray(np.sign(sums) * ((high + (np.int64(1) << (shifts - 1))) >> shifts), np.int64)

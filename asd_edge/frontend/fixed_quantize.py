"""Integers of the front end -> the graph's int8 input codes: the twin of asd_quantize_input_s8.c."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import FrontendError
from asd_edge.frontend.fixed_point import IntArray

MULTIPLIER_BITS = 31
TIE_SLACK = 1 << 15  # twice what the multiplier's rounding takes from an int16: an exact half rounds up as in float


@dataclass(frozen=True)
class CodeScale:
    """code = floor((kept * multiplier + TIE_SLACK) / 2^shift + 1/2) + zero_point, saturated to int8.

    kept = min(value, limit) >> pre_shift.
    """

    multiplier: int  # 2^30..2^31 - 1
    shift: int  # 32..62
    zero_point: int
    pre_shift: int = 0  # 0..31
    limit: int = (1 << 31) - 1  # code 127 or more for any zero point


def code_scale(unit: float, scale: float, zero_point: int) -> CodeScale:
    """How integers that count `unit` each become codes of `scale`.

    Raises FrontendError when `scale` is not a positive number or so far from `unit` that no code means anything.
    """
    factor = unit / scale if scale > 0.0 else float("inf")
    if not 2.0**-53 < factor < 0.5:
        raise FrontendError(
            f"an input scale of {scale:g} can't be reached from steps of {unit:g}; check the calibration of the model"
        )
    limit = int(np.ceil(256.0 / factor))
    pre_shift = max(0, limit.bit_length() - MULTIPLIER_BITS)
    mantissa, exponent = np.frexp(factor)  # factor = mantissa * 2^exponent, mantissa in [1/2, 1)
    multiplier, shift = round(float(mantissa) * 2.0**MULTIPLIER_BITS), MULTIPLIER_BITS - int(exponent)
    if multiplier == 1 << MULTIPLIER_BITS:
        multiplier, shift = multiplier // 2, shift - 1
    return CodeScale(multiplier, shift - pre_shift, zero_point, pre_shift, limit)


def quantize_codes(values: IntArray, scale: CodeScale) -> NDArray[np.int8]:
    """Any shape of int64 above -2^31 -> int8 codes of the same shape."""
    kept = np.minimum(values, scale.limit) >> scale.pre_shift
    codes = ((kept * scale.multiplier + (1 << (scale.shift - 1)) + TIE_SLACK) >> scale.shift) + scale.zero_point
    return np.asarray(np.clip(codes, -128, 127), np.int8)

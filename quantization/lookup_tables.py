"""ELU and logistic in int8: 256-entry tables, one output for each input code -128..127.

ELU follows TFLite's plain kernel (exp in float32, one rounding half away from zero); the logistic follows its reference
kernel, gemmlowp's fixed-point exp and Newton division on Q4.27 inputs.
"""

import math

import numpy as np
from numpy.typing import NDArray

from quantization.fixed_point import INT32_MAX, INT32_MIN, quantize_multiplier

_CODES = range(-128, 128)


def elu_table(input_scale: float, input_zero_point: int, output_scale: float, output_zero_point: int) -> NDArray[np.int8]:
    """Entry q + 128 is the ELU of input code q. Scales are float32 values; (256,) int8."""
    codes = np.arange(-128, 128, dtype=np.float32)
    x = np.float32(input_scale) * (codes - np.float32(input_zero_point))
    exponential = np.exp(np.minimum(x, 0).astype(np.float64)).astype(np.float32)
    y = np.where(x < 0, exponential - np.float32(1), x) * (np.float32(1) / np.float32(output_scale))
    rounded = np.trunc(y + np.copysign(np.float32(0.5), y))  # half away from zero, as C's round
    return np.clip(rounded + output_zero_point, -128, 127).astype(np.int8)


def logistic_table(input_scale: float, input_zero_point: int) -> NDArray[np.int8]:
    """Entry q + 128 is 1 / (1 + exp(-x)) of input code q, output scale 1/256, zero point -128; (256,) int8."""
    multiplier, left_shift = quantize_multiplier(float(np.float32(input_scale)) * 2.0**27)
    radius = math.floor(15 * 2**27 / 2**left_shift) if left_shift >= 0 else 256
    outputs = []
    for code in _CODES:
        centred = code - input_zero_point
        if centred <= -radius:
            outputs.append(-128)
        elif centred >= radius:
            outputs.append(127)
        else:
            raw = _logistic(_multiply(_saturate(centred << max(left_shift, 0)), multiplier, max(-left_shift, 0)))
            outputs.append(min(max(_divide_by_pot(raw, 23) - 128, -128), 127))
    return np.array(outputs, np.int8)


# gemmlowp's FixedPoint on Python integers; Qm.n means m integer bits of 31.


def _saturate(x: int) -> int:
    return min(max(x, INT32_MIN), INT32_MAX)


def _high_mul(a: int, b: int) -> int:
    return _saturate((a * b + (1 << 30)) >> 31)


def _divide_by_pot(x: int, exponent: int) -> int:
    half = (1 << exponent) >> 1
    return (x + half - (1 if x < 0 and half else 0)) >> exponent


def _multiply(x: int, multiplier: int, right_shift: int) -> int:
    return _divide_by_pot(_high_mul(x, multiplier), right_shift)


def _exp_between_minus_quarter_and_zero(a: int) -> int:
    """exp(a) for a in [-1/4, 0) in Q0.31: Taylor series about -1/8."""
    x = a + (1 << 28)
    x2 = _high_mul(x, x)
    x3 = _high_mul(x2, x)
    x4_over_4 = _divide_by_pot(_high_mul(x2, x2), 2)
    series = _divide_by_pot(_high_mul(x4_over_4 + x3, 715827883) + x2, 1)
    return 1895147668 + _high_mul(1895147668, x + series)


# (bit of the Q4.27 remainder, exp(-2^k) in Q0.31) for k = -2 .. 3
_BARREL = ((25, 1672461947), (26, 1302514674), (27, 790015084), (28, 290630308), (29, 39332535), (30, 720401))


def _exp_of_negative(a: int) -> int:
    """exp(a) for a <= 0 in Q4.27 -> Q0.31."""
    if a == 0:
        return INT32_MAX
    quarter = 1 << 25
    modulo = (a & (quarter - 1)) - quarter
    result = _exp_between_minus_quarter_and_zero(_saturate(modulo << 4))
    remainder = modulo - a
    for bit, factor in _BARREL:
        if remainder & (1 << bit):
            result = _high_mul(result, factor)
    return result


def _one_over_one_plus(a: int) -> int:
    """1 / (1 + a) for a in [0, 1] in Q0.31: three Newton steps in Q2.29 from 48/17 - 32/17 d."""
    total = a + INT32_MAX
    half_denominator = (total + 1) // 2
    x = 1515870810 + _high_mul(half_denominator, -1010580540)
    for _ in range(3):
        error = (1 << 29) - _high_mul(half_denominator, x)
        x = x + _saturate(_high_mul(x, error) << 2)
    return _saturate(x << 1)


def _logistic(a: int) -> int:
    """Q4.27 -> Q0.31."""
    if a == 0:
        return 1 << 30
    positive = _one_over_one_plus(_exp_of_negative(-abs(a)))
    return positive if a > 0 else INT32_MAX - positive

"""Softmax in int8 as TFLite's reference kernel has it: exp and reciprocal in fixed point, no table of floats.

Formulas: gemmlowp's `exp_on_negative_values` and `one_over_one_plus_x_for_x_in_0_1`, Q5.26 into Q0.31. A code's exp
depends on its distance from the greatest of its row alone, so that 256 of them are a table.
"""

import math

import numpy as np
from numpy.typing import NDArray

from quantization.fixed_point import quantize_multiplier

MAX_CHANNELS = 511  # from 512 equal codes on TFLite's kernel aborts: their sum leaves Q12.19's last usable bit
_ONE = 2**31 - 1  # in Q0.31
_INTEGER_BITS = 5  # of a scaled difference: Q5.26
_SUM_BITS = 12  # integer bits of a sum of exps: Q12.19
# exp(-2^e) in Q0.31 for e = -2, -1, ... 4
_EXPS_OF_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)

IntArray = NDArray[np.int64]


def softmax(x: NDArray[np.int8], input_scale: np.float32, beta: float) -> NDArray[np.int8]:
    """x (..., n_channels) -> codes of scale 1/256 and zero point -128, over the channels of each position."""
    exps_by_distance = exp_table(float(input_scale), beta)
    distances = x.max(axis=-1, keepdims=True).astype(np.int64) - x
    exps = exps_by_distance[distances]
    sums = _divide_by_power(exps, _SUM_BITS).sum(axis=-1, keepdims=True)
    assert sums.size == 0 or sums.max() < 2**28, "too many channels"
    n_leading_zeros = 32 - np.frexp(sums.astype(np.float64))[1]  # of a 32-bit word
    reciprocals = _one_over_one_plus((sums << n_leading_zeros) - 2**31)
    scaled = _divide_by_power(_multiply(reciprocals, exps), _SUM_BITS - n_leading_zeros + 31 - 8)
    return np.asarray(np.clip(scaled - 128, -128, 127), np.int8)


def exp_table(input_scale: float, beta: float) -> IntArray:
    """Entry d is exp(-d * beta * input_scale) in Q0.31; (256,). Distances that leave Q5.26 give 0."""
    real = min(beta * input_scale * 2.0 ** (31 - _INTEGER_BITS), 2.0**31 - 1)
    multiplier, shift = quantize_multiplier(real)
    greatest = math.floor((2**_INTEGER_BITS - 1) * 2.0 ** (31 - _INTEGER_BITS) / 2.0**shift)
    distances = np.arange(256, dtype=np.int64)
    inside = np.minimum(distances, greatest)
    scaled = _multiply(-inside << shift, np.asarray(multiplier, np.int64))
    return np.where(distances <= greatest, _exp_of_negative(scaled), 0)


def _exp_of_negative(x: IntArray) -> IntArray:
    """exp of x <= 0 in Q5.26, in Q0.31: exp of the last quarter by a polynomial, of each higher bit by a factor."""
    quarter = 1 << 24
    in_quarter = (x & (quarter - 1)) - quarter  # in [-1/4, 0)
    y = _exp_near_minus_eighth(in_quarter << _INTEGER_BITS)
    rest = in_quarter - x
    for bit, factor in enumerate(_EXPS_OF_POWERS, start=24):
        y = np.where(rest & (1 << bit), _multiply(y, np.asarray(factor, np.int64)), y)
    return np.asarray(np.where(x == 0, _ONE, y), np.int64)


def _exp_near_minus_eighth(x: IntArray) -> IntArray:
    """exp of x in [-1/4, 0) in Q0.31: Taylor's series of degree 4 around -1/8."""
    at_eighth, third = np.asarray(1895147668, np.int64), np.asarray(715827883, np.int64)
    z = x + (1 << 28)
    z2 = _multiply(z, z)
    z3, z4 = _multiply(z2, z), _multiply(z2, z2)
    higher = _divide_by_power(_multiply(_divide_by_power(z4, 2) + z3, third) + z2, 1)
    return at_eighth + _multiply(at_eighth, z + higher)


def _one_over_one_plus(x: IntArray) -> IntArray:
    """1 / (1 + x) of x in [0, 1], both Q0.31: three Newton steps in Q2.29 on half the denominator."""
    half = (x + _ONE + 1) // 2
    one, guess, slope = 1 << 29, 1515870810, np.asarray(-1010580540, np.int64)  # 48/17 and -32/17
    y = guess + _multiply(half, slope)
    for _ in range(3):
        y += _multiply(y, one - _multiply(half, y)) << 2
    return np.asarray(np.minimum(y << 1, _ONE), np.int64)


def _multiply(a: IntArray, b: IntArray) -> IntArray:
    """Product of two Q numbers in Q0.31's unit, rounded half upward."""
    return (a * b + (1 << 30)) >> 31


def _divide_by_power(x: IntArray, exponent: IntArray | int) -> IntArray:
    """x / 2^exponent rounded half away from zero."""
    half = np.int64(1) << (np.asarray(exponent, np.int64) - 1)
    return np.asarray((x + half - (x < 0)) >> np.asarray(exponent, np.int64), np.int64)

"""Rescaling against gemmlowp's C statements, written out on Python integers."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quantization.fixed_point import (
    INT32_MAX,
    INT32_MIN,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    quantize_multipliers,
    requantize,
)

INT32 = st.integers(INT32_MIN, INT32_MAX)
MULTIPLIERS = st.one_of(st.sampled_from([0, 2**30, 2**30 + 1, INT32_MAX]), st.integers(2**30, INT32_MAX))


def c_divide(a: int, b: int) -> int:
    """C's integer division: truncated toward zero."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def c_high_mul(a: int, b: int) -> int:
    """gemmlowp's SaturatingRoundingDoublingHighMul: a nudge whose sign follows the product, then truncation."""
    if a == b == INT32_MIN:
        return INT32_MAX
    nudge = 1 << 30 if a * b >= 0 else 1 - (1 << 30)
    return c_divide(a * b + nudge, 1 << 31)


def c_divide_by_pot(x: int, exponent: int) -> int:
    """gemmlowp's RoundingDivideByPOT: an arithmetic shift and a correction from the bits that it drops."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (1 if x < 0 else 0)
    return (x >> exponent) + (1 if (x & mask) > threshold else 0)


def c_multiply(x: int, multiplier: int, shift: int) -> int:
    """TFLite's MultiplyByQuantizedMultiplier, double rounding."""
    return c_divide_by_pot(c_high_mul(x * (1 << max(shift, 0)), multiplier), max(-shift, 0))


EDGES = (INT32_MIN, INT32_MIN + 1, -(2**30) - 1, -(2**30), -65537, -3, -2, -1, 0, 1, 2, 3, 65536, 2**30, INT32_MAX)


@pytest.mark.parametrize("shift", [-31, -30, -16, -2, -1, 0])
@pytest.mark.parametrize("multiplier", [0, 2**30, 2**30 + 1, 1_518_500_250, INT32_MAX])
def test_edges_are_rounded_as_in_c(multiplier: int, shift: int) -> None:
    found = multiply_by_quantized_multiplier(np.array(EDGES, np.int32), multiplier, shift)
    assert found.tolist() == [c_multiply(x, multiplier, shift) for x in EDGES]


@pytest.mark.parametrize(
    ("x", "multiplier", "shift", "expected"),
    [
        (1, 2**30, 0, 1),  # 0.5: the first rounding takes ties upward
        (-1, 2**30, 0, 0),  # -0.5
        (-3, 2**30, 0, -1),  # -1.5
        (2, 2**30, -1, 1),  # 1 / 2: the second takes them away from zero
        (-2, 2**30, -1, -1),
        (1, 2**30, -1, 1),  # 0.25 -> 0.5 up to 1 -> 0.5 up to 1: two roundings, not one
        (-1, 2**30, -1, 0),
        (-5, 2**30, -1, -1),  # -2.5 up to -2, halved: rounding once would give -1.25 -> -1 as well
        (-7, 2**30, -1, -2),  # -3.5 up to -3, -1.5 away to -2
        (3, 2**30, 3, 12),
        (-3, 2**30, 3, -12),
    ],
)
def test_ties(x: int, multiplier: int, shift: int, expected: int) -> None:
    assert int(multiply_by_quantized_multiplier(np.array([x], np.int32), multiplier, shift)[0]) == expected
    assert c_multiply(x, multiplier, shift) == expected


@settings(max_examples=300, deadline=None, derandomize=True)
@given(x=INT32, multiplier=MULTIPLIERS, shift=st.integers(-31, 20))
@example(x=INT32_MIN, multiplier=INT32_MAX, shift=-1)
def test_any_accumulator_is_rescaled_as_in_c(x: int, multiplier: int, shift: int) -> None:
    x >>= max(shift, 0)  # the shifted accumulator has to stay in 32 bits
    found = multiply_by_quantized_multiplier(np.array([x], np.int32), multiplier, shift)
    assert int(found[0]) == c_multiply(x, multiplier, shift)


def test_overflow_of_the_left_shift_is_a_bug_and_not_a_wrapped_value() -> None:
    with pytest.raises(AssertionError, match="accumulator overflow"):
        multiply_by_quantized_multiplier(np.array([1 << 20], np.int32), 2**30, 11)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    shifts=st.sampled_from([(-31, -2), (-12, -5), (-3, -2), (-3, 0), (-1, -1), (-1, 3)]),
    zero_point=st.integers(-128, 127),
    magnitude_bits=st.integers(0, 31),
    ties=st.booleans(),
)
def test_fast_requantization_equals_the_plain_one(
    seed: int, shifts: tuple[int, int], zero_point: int, magnitude_bits: int, ties: bool
) -> None:
    """Also near the ends of int32, where 32-bit additions could overflow, and where every odd sum is a tie."""
    rng = np.random.default_rng(seed)
    limit = 2 ** min(magnitude_bits, 31 - max(shifts[1], 0))
    sums = rng.integers(-limit, limit, (50, 3)).astype(np.int32)
    sums[0] = -limit
    sums[1] = limit - 1
    sums[2:9, 0] = np.arange(-3, 4)
    multipliers = np.full(3, 2**30) if ties else rng.integers(2**30, 2**31, 3)
    multipliers[2] = INT32_MAX
    multipliers = multipliers.astype(np.int32)
    shift = rng.integers(shifts[0], shifts[1] + 1, 3).astype(np.int32)
    plain = multiply_by_quantized_multiplier(sums, multipliers, shift) + zero_point
    for bounds in ((-128, 127), (zero_point, 127)):
        found = requantize(sums, multipliers, shift, zero_point, bounds)
        assert found.dtype == np.int8
        np.testing.assert_array_equal(found, np.clip(plain, *bounds))


@pytest.mark.parametrize("n_rows", [0, 1, 10_921, 10_922, 10_923, 30_000])
def test_requantization_covers_every_row_whatever_the_block(n_rows: int) -> None:
    sums = np.arange(3 * n_rows, dtype=np.int32).reshape(n_rows, 3) * 997
    multipliers, shifts = np.full(3, 2**30, np.int32), np.full(3, -18, np.int32)
    plain = np.clip(multiply_by_quantized_multiplier(sums, multipliers, shifts) - 128, -128, 127)
    np.testing.assert_array_equal(requantize(sums, multipliers, shifts, -128, (-128, 127)), plain)


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (0.0, (0, 0)),
        (0.5, (2**30, 0)),
        (1.0, (2**30, 1)),
        (0.75, (3 * 2**29, 0)),
        (1 - 2**-40, (2**30, 1)),  # the mantissa rounds up to 2^31
        (2.0**-32, (2**30, -31)),
        (2.0**-33, (0, 0)),  # the right shift would be 32
        (3.0, (3 * 2**29, 2)),
    ],
)
def test_multiplier_of(real: float, expected: tuple[int, int]) -> None:
    assert quantize_multiplier(real) == expected


@settings(max_examples=200, deadline=None, derandomize=True)
@given(real=st.floats(2.0**-31, 2.0**20))
def test_multiplier_is_within_half_a_unit_of_the_factor(real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    assert 2**30 <= multiplier < 2**31
    assert abs(multiplier * 2.0 ** (shift - 31) - real) <= 0.5 * 2.0 ** (shift - 31)


def test_multipliers_are_those_of_each_channel() -> None:
    multipliers, shifts = quantize_multipliers(np.array([0.5, 0.003, 7.0]))
    assert list(zip(multipliers.tolist(), shifts.tolist(), strict=True)) == [
        quantize_multiplier(real) for real in (0.5, 0.003, 7.0)
    ]

"""Rescaling by all bits of a float64: exact against fractions, ties away from zero, far factors, and its bounds."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantization.wide_factor import LEAST_SHIFT, multiply_wide, wide_factors

INT32 = st.one_of(st.sampled_from([0, 1, -1, 2**31 - 1, -(2**31)]), st.integers(-(2**31), 2**31 - 1))


def rounded(value: Fraction) -> int:
    magnitude = floor(abs(value) + Fraction(1, 2))
    return magnitude if value >= 0 else -magnitude


@settings(max_examples=300, deadline=None, derandomize=True)
@given(sums=st.lists(INT32, min_size=1, max_size=8), real=st.floats(2.0**-60, 2.0**19))
def test_product_is_the_rounded_exact_one(sums: list[int], real: float) -> None:
    found = multiply_wide(np.array(sums, np.int32)[:, None], wide_factors(np.array([real])))
    assert found[:, 0].tolist() == [rounded(value * Fraction(real)) for value in sums]


@pytest.mark.parametrize(("total", "expected"), [(1, 1), (-1, -1), (2, 1), (3, 2), (-3, -2), (5, 3)])
def test_ties_go_away_from_zero(total: int, expected: int) -> None:
    assert multiply_wide(np.array([[total]], np.int32), wide_factors(np.array([0.5]))).item() == expected


@pytest.mark.parametrize("real", [2.0**-64, 2.0**-100, 1e-300])
def test_factor_too_small_for_any_sum_gives_zero(real: float) -> None:
    extremes = np.array([[2**31 - 1], [-(2**31)]], np.int32)
    assert multiply_wide(extremes, wide_factors(np.array([real]))).tolist() == [[0], [0]]


def test_channels_have_their_own_factors_and_the_greatest_is_just_below_2_to_20() -> None:
    factors = wide_factors(np.array([1.0, 0.25, np.nextafter(2.0**20, 0)]))
    assert factors.shifts.min() == LEAST_SHIFT
    assert multiply_wide(np.array([[3, 6, 1]], np.int32), factors).tolist() == [[3, 2, 2**20]]
    with pytest.raises(AssertionError, match="factor of 2"):
        multiply_wide(np.array([[1]], np.int32), wide_factors(np.array([2.0**20])))

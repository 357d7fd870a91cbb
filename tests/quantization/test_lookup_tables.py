"""ELU, logistic, tanh tables: rounded correctly, exact at zero, ties away from zero. LiteRT: test_interpret_int8.py."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from quantization.lookup_tables import elu_table, logistic_table, tanh_table

CODES = np.arange(-128, 128)


def rounded(real: NDArray[np.float64], scale: float, zero_point: int) -> NDArray[np.float64]:
    """Real values -> unclipped codes, not rounded."""
    return np.clip(real / scale + zero_point, -128.4, 127.4)


@pytest.mark.parametrize("input_zero_point", [-128, -7, 0, 127])
@pytest.mark.parametrize("input_scale", [0.001, 0.02, 0.3, 4.0])
@pytest.mark.parametrize(("output_scale", "output_zero_point"), [(0.02, -77), (1 / 127, 0), (0.5, 127)])
def test_elu_is_within_half_a_code_of_the_real_function(
    input_scale: float, input_zero_point: int, output_scale: float, output_zero_point: int
) -> None:
    x = float(np.float32(input_scale)) * (CODES - input_zero_point).astype(np.float64)
    real = np.where(x < 0, np.expm1(np.minimum(x, 0)), x)
    table = elu_table(np.float32(input_scale), input_zero_point, np.float32(output_scale), output_zero_point)
    assert table.dtype == np.int8
    exact = rounded(real, float(np.float32(output_scale)), output_zero_point)
    assert np.abs(table - exact).max() <= 0.5 + 1e-4  # float32 decides near ties
    assert (np.diff(table.astype(int)) >= 0).all()
    assert table[input_zero_point + 128] == output_zero_point


@pytest.mark.parametrize("input_zero_point", [-128, -7, 0, 127])
@pytest.mark.parametrize("input_scale", [1e-6, 0.001, 0.02, 0.3, 4.0, 100.0])
def test_logistic_is_within_half_a_code_of_the_real_function(input_scale: float, input_zero_point: int) -> None:
    x = float(np.float32(input_scale)) * (CODES - input_zero_point).astype(np.float64)
    table = logistic_table(np.float32(input_scale), input_zero_point)
    exact = rounded(np.array([1 / (1 + math.exp(-max(value, -700))) for value in x]), 1 / 256, -128)
    assert np.abs(table - exact).max() <= 0.6 + 1e-4  # 1 itself is 128 and clips to 127
    assert (np.diff(table.astype(int)) >= 0).all()
    assert table[input_zero_point + 128] == 0  # one half


@pytest.mark.parametrize("input_zero_point", [-128, -7, 0, 127])
@pytest.mark.parametrize("input_scale", [1e-6, 0.001, 0.02, 0.3, 4.0, 100.0])
def test_tanh_is_within_half_a_code_of_the_real_function(input_scale: float, input_zero_point: int) -> None:
    x = float(np.float32(input_scale)) * (CODES - input_zero_point).astype(np.float64)
    table = tanh_table(np.float32(input_scale), input_zero_point)
    exact = rounded(np.tanh(x), 1 / 128, 0)
    assert np.abs(table - exact).max() <= 0.6 + 1e-4  # 1 itself is 128 and clips to 127
    assert (np.diff(table.astype(int)) >= 0).all()
    assert table[input_zero_point + 128] == 0


@pytest.mark.parametrize(
    ("input_scale", "code", "expected"),
    [
        (0.5, 1, 1),  # 0.5 away from zero
        (0.5, 3, 2),
        (float(np.nextafter(np.float32(0.5), np.float32(0))), 1, 0),  # just below: adding 0.5 in float32 would give 1
    ],
)
def test_elu_rounds_ties_away_from_zero_and_nothing_else(input_scale: float, code: int, expected: int) -> None:
    assert elu_table(np.float32(input_scale), 0, np.float32(1), 0)[code + 128] == expected

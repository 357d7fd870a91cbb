"""Input codes at their edges: halves, saturation, zero points."""

import numpy as np
import pytest

from asd_edge.frontend.quantize_input import quantize_input


@pytest.mark.parametrize(
    ("value", "scale", "zero_point", "code"),
    [
        (0.0, 0.5, 0, 0),
        (0.0, 0.5, -7, -7),
        (0.0, 0.5, -128, -128),
        (0.25, 0.5, 0, 1),  # halves round up
        (-0.25, 0.5, 0, 0),
        (0.75, 0.5, 0, 2),
        (-0.75, 0.5, 0, -1),
        (0.2499999, 0.5, 0, 0),
        (63.5, 0.5, 0, 127),
        (63.75, 0.5, 0, 127),  # would be 128
        (-64.0, 0.5, 0, -128),
        (-64.25, 0.5, 0, -128),
        (-64.5, 0.5, 0, -128),  # would be -129
        (1e9, 0.5, 0, 127),
        (-1e9, 0.5, 0, -128),
        (float("inf"), 0.5, 0, 127),
        (127.5, 0.5, -128, 127),
        (0.25, 0.5, -128, -127),
        (-1.0, 0.5, -128, -128),  # below the range of a value that is never negative
        (1.0, 0.5, 127, 127),
        (-127.5, 0.5, 127, -128),
        (-80.0, 0.3921569, 76, -128),
    ],
)
def test_code_is_the_value_over_scale_rounded_half_up_plus_zero_point_saturated(
    value: float, scale: float, zero_point: int, code: int
) -> None:
    codes = quantize_input(np.array([value]), scale, zero_point)
    assert codes.dtype == np.int8
    assert codes.tolist() == [code]


def test_float32_values_and_scales_are_computed_in_float64() -> None:
    scale = float(np.float32(0.3))
    values = (np.arange(-400, 400) * np.float32(0.1)).astype(np.float32)
    assert quantize_input(values, scale, 3).tolist() == quantize_input(values.astype(np.float64), scale, 3).tolist()


def test_shape_is_kept_and_values_are_not_changed() -> None:
    values = np.linspace(-3, 3, 24).reshape(1, 4, 6, 1)
    before = values.copy()
    assert quantize_input(values, 0.1, 0).shape == (1, 4, 6, 1)
    assert (values == before).all()

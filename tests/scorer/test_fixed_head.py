"""Rows, scale and margin as integers: the formats, the rounding, and what is refused."""

import math

import numpy as np
import pytest

from asd_edge.errors import CheckpointError
from asd_edge.scorer.fixed_head import fixed_head, row_distance
from tests.scorer.scorer_cases import unit_rows


def test_settings_have_the_formats_of_asd_arcface_params() -> None:
    head = fixed_head(np.eye(3), 40.0, 0.7, -5)
    assert (head.zero_point, head.scale_q16) == (-5, 40 << 16)
    exact = (math.cos(0.7), math.sin(0.7), math.cos(math.pi - 0.7), 0.7 * math.sin(math.pi - 0.7))
    integers = (head.cos_margin, head.sin_margin, head.threshold, head.shortfall)
    np.testing.assert_allclose(integers, np.array(exact) * 2**30, rtol=0, atol=0.5)


def test_the_largest_weight_of_each_row_uses_all_16_bits() -> None:
    rows = unit_rows(np.random.default_rng(1).normal(size=(41, 128)))
    head = fixed_head(rows, 40.0, 0.7, 0)
    assert head.rows.dtype == np.int16
    assert (np.abs(head.rows).max(axis=1) == 32767).all()
    assert row_distance(rows, head.rows) < 4e-5


def test_halves_are_rounded_away_from_zero() -> None:
    rows = np.array([[65534.0, 1.0, -1.0, 3.0], [0.0, 0.0, -1.0, 0.0]])
    np.testing.assert_array_equal(fixed_head(rows, 1.0, 0.0, 0).rows, [[32767, 1, -1, 2], [0, 0, -32767, 0]])


@pytest.mark.parametrize(
    ("shape", "scale", "margin", "zero_point", "words"),
    [
        ((1, 4), 40.0, 0.7, 0, "shape"),
        ((2, 513), 40.0, 0.7, 0, "shape"),
        ((2, 4), 0.9, 0.7, 0, "scale of 0.9"),
        ((2, 4), 128.5, 0.7, 0, "scale of 128.5"),
        ((2, 4), math.nan, 0.7, 0, "scale of nan"),
        ((2, 4), 40.0, -0.1, 0, "margin of -0.1"),
        ((2, 4), 40.0, 3.2, 0, "margin of 3.2"),
        ((2, 4), 40.0, 0.7, 128, "zero point of 128"),
    ],
)
def test_settings_out_of_range_are_refused(
    shape: tuple[int, int], scale: float, margin: float, zero_point: int, words: str
) -> None:
    with pytest.raises(CheckpointError, match=words):
        fixed_head(np.ones(shape), scale, margin, zero_point)


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_a_row_without_a_direction_is_refused(value: float) -> None:
    rows = np.eye(3)
    rows[1] = value
    with pytest.raises(CheckpointError, match="all zeros or not finite"):
        fixed_head(rows, 40.0, 0.7, 0)


def test_a_head_that_16_bits_do_not_hold_well_enough_is_refused() -> None:
    one_large = np.full((2, 512), 0.5 / 32767.0)  # every other weight half a step
    one_large[:, 0] = 1.0
    with pytest.raises(CheckpointError, match=r"could move a score by 0\.0\d\d"):
        fixed_head(one_large, 64.0, 0.7, 0)

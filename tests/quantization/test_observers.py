"""Ranges hold zero, and are those of all channels."""

import numpy as np
import pytest

from quantization.observers import ChannelStatistics, Range, ranges_of


@pytest.mark.parametrize(
    ("observed", "held"),
    [
        (Range(2, 5), Range(0, 5)),
        (Range(-5, -2), Range(-5, 0)),
        (Range(-1, 3), Range(-1, 3)),
        (Range(0, 0), Range(0, 0)),
    ],
)
def test_range_is_widened_to_hold_zero(observed: Range, held: Range) -> None:
    assert observed.holding_zero() == held
    assert held.width == held.high - held.low


def test_range_is_that_of_all_channels_and_grows_with_them() -> None:
    seen = ChannelStatistics(*(np.array(values) for values in ([-1.0, 0.5], [2.0, 4.0], [0.0, 1.0], [0.5, 3.0])))
    assert seen.magnitudes.tolist() == [2, 4]
    assert seen.range == Range(-1, 4)
    grown = seen.scaled(np.array([3.0, 2.0]))
    assert grown.range == Range(-3, 8)
    assert grown.mean.tolist() == [0, 2]
    assert grown.mean_square.tolist() == [4.5, 12]
    assert ranges_of({"a": seen, "b": grown}) == {"a": Range(-1, 4), "b": Range(-3, 8)}

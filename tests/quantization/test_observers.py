"""Ranges: union, zero, and what min-max remembers over clips."""

import numpy as np
import pytest

from quantization.observers import Range, observe_minmax


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


def test_minmax_remembers_the_extremes_of_every_clip() -> None:
    first = {"a": np.array([-1, 2], np.float32), "b": np.array([5], np.float32)}
    second = {"a": np.array([0, 1], np.float32), "b": np.array([-7], np.float32)}
    once = observe_minmax({}, first)
    assert once == {"a": Range(-1, 2), "b": Range(5, 5)}
    assert observe_minmax(once, second) == {"a": Range(-1, 2), "b": Range(-7, 5)}
    assert once["b"] == Range(5, 5)  # the earlier ranges are left alone

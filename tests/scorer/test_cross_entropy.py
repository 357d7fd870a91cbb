"""softplus where a plain log(1 + exp(z)) overflows or vanishes."""

import math

import pytest

from asd_edge.scorer.cross_entropy import cross_entropy


@pytest.mark.parametrize(
    ("log_odds", "expected"),
    [(0.0, math.log(2.0)), (1.0, math.log(1.0 + math.e)), (2000.0, 2000.0), (-50.0, math.exp(-50.0)), (-2000.0, 0.0)],
)
def test_cross_entropy_is_softplus_at_either_end(log_odds: float, expected: float) -> None:
    assert cross_entropy(log_odds) == pytest.approx(expected, rel=1e-12)

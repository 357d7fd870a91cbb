"""The autoencoder's score: a mean over vectors and bands alike, in float64."""

import numpy as np
import pytest

from asd_edge.errors import ClipError
from asd_edge.scorer.reconstruction_score import reconstruction_score


def test_the_score_is_the_mean_squared_error() -> None:
    vectors = np.array([[0.0, 10.0], [-30.0, 5.0]])
    error = np.array([[1.0, -2.0], [3.0, 0.0]])
    assert reconstruction_score(vectors, vectors + error) == (1 + 4 + 9 + 0) / 4
    assert reconstruction_score(vectors, vectors) == 0.0


def test_float32_inputs_are_squared_in_float64() -> None:
    vectors = np.full((309, 640), 1e20, np.float32)
    assert reconstruction_score(vectors, -vectors) == pytest.approx(4e40, rel=1e-6)


def test_a_reconstruction_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ClipError, match="no score"):
        reconstruction_score(np.zeros((2, 3)), np.full((2, 3), np.nan))

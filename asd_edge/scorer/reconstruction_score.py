"""Vectors and what an autoencoder makes of them -> the clip's anomaly score, as in the DCASE 2020 Task 2 baseline."""

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import ClipError


def reconstruction_score(vectors: NDArray[np.floating], reconstruction: NDArray[np.floating]) -> float:
    """Mean squared error over all vectors of the clip, in dB^2, float64.

    Both (n_vectors, vector_size) in dB. Raises ClipError where the error isn't finite.
    """
    error = np.asarray(reconstruction, np.float64) - np.asarray(vectors, np.float64)
    score = float(np.mean(error * error))
    if not np.isfinite(score):
        raise ClipError("its reconstruction isn't finite, so it has no score; check the clip and the model")
    return score

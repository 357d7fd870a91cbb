"""Log-Mel frames -> the autoencoder's vectors: neighbouring frames joined, as the DCASE 2020 Task 2 baseline does."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

N_CONTEXT = 5  # frames per vector

_T = TypeVar("_T", bound=np.generic)


def context_vectors(frames: NDArray[_T]) -> NDArray[_T]:
    """(n_frames, n_mels) -> (n_frames - N_CONTEXT + 1, N_CONTEXT * n_mels): vector t holds frames t, t + 1, ..."""
    windows = np.lib.stride_tricks.sliding_window_view(frames, N_CONTEXT, axis=0)  # (n_vectors, n_mels, N_CONTEXT)
    return windows.transpose(0, 2, 1).reshape(len(windows), -1)

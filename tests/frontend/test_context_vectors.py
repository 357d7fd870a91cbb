"""The autoencoder's vectors: five frames in time order, each whole."""

import numpy as np

from asd_edge.frontend.context_vectors import N_CONTEXT, context_vectors


def test_vector_t_holds_frames_t_to_t_plus_four_in_order() -> None:
    frames = np.arange(313 * 128, dtype=np.float64).reshape(313, 128)
    vectors = context_vectors(frames)
    assert vectors.shape == (313 - N_CONTEXT + 1, N_CONTEXT * 128) == (309, 640)
    for t in (0, 1, 150, 308):
        np.testing.assert_array_equal(vectors[t], np.concatenate([frames[t + k] for k in range(5)]))


def test_dtype_is_kept() -> None:
    assert context_vectors(np.zeros((5, 4), np.float32)).dtype == np.float32
    assert context_vectors(np.zeros((5, 4), np.float64)).shape == (1, 20)
